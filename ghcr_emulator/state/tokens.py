"""The bearer tokens that /token issued, and the credential of each.

Tokens are opaque, as GHCR's are; an anonymous one is the base64 of `v1:<owner>/<package>:<unix
nanoseconds>` (README.md, Sources: tokens). Their lifetime at GHCR is not known, so a token lasts as
long as the assumption `bearer_seconds` says, at most until its credential changes or 10 000 newer
ones are issued.
"""

import base64
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_KEPT: Final = 10_000


def fingerprint(secret: str) -> str:
    """Return the SHA-256 of a secret in hex, the only form in which secrets are stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Grant:
    """The holder of a bearer token: a credential, by its fingerprint, or None for an anonymous one.

    `issued` is the time of issue, in seconds of a monotonic clock.
    """

    credential: str | None
    issued: float


class Bearers:
    """The newest bearer tokens, stored by fingerprint alone."""

    def __init__(self, kept: int = _KEPT, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept = kept
        self._clock = clock
        self._grants: OrderedDict[str, Grant] = OrderedDict()

    def issue_anonymously(self, repository: str, nanoseconds: int) -> str:
        """Issue an anonymous token for reading public packages; the time is in Unix nanoseconds."""
        token = base64.b64encode(f"v1:{repository}:{nanoseconds}".encode()).decode()
        return self._remember(token, None)

    def issue(self, credential: str) -> str:
        """Issue a token for the credential with this fingerprint."""
        return self._remember(secrets.token_urlsafe(32), credential)

    def grant(self, token: str, seconds: int = 0) -> Grant | None:
        """Return what `token` was issued for, or None for one that was never issued.

        A token that is `seconds` old or older counts as never issued; 0 means no limit.
        """
        grant = self._grants.get(fingerprint(token))
        if grant is not None and seconds and self._clock() - grant.issued >= seconds:
            return None
        return grant

    def _remember(self, token: str, credential: str | None) -> str:
        self._grants[fingerprint(token)] = Grant(credential, self._clock())
        if len(self._grants) > self._kept:
            self._grants.popitem(last=False)
        return token
