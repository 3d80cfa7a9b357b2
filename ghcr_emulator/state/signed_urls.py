"""Signed addresses of blobs, to which the registry redirects.

The form is that of Azure's shared access signatures behind GitHub's own check (`hmac`):
`/ghcrblobsNN/blobs/sha256:…?se=…&sig=…&sp=r&spr=https&sr=b&sv=…&hmac=…`, valid for ten minutes
(README.md, Sources: blobs). The address alone gives the blob: no token goes with it.
"""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from ghcr_emulator.protocol import hosts
from ghcr_emulator.state.accounts import AccountToken
from ghcr_emulator.state.tokens import fingerprint

_SECONDS: Final = 600
_KEPT: Final = 10_000
_STORES: Final = 20
_FIXED: Final = {"sp": "r", "spr": "https", "sr": "b", "sv": "2024-08-04"}


@dataclass(frozen=True, slots=True)
class Link:
    """The blob of a signed address, and the credential that received the address, if any."""

    repository: str
    digest: str
    credential: AccountToken | None
    expires: float


class BlobLinks:
    """The newest signed addresses; `clock` returns Unix time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._links: OrderedDict[str, Link] = OrderedDict()

    def sign(self, repository: str, digest: str, credential: AccountToken | None) -> str:
        """Return a new address of a blob."""
        signature = secrets.token_urlsafe(32)
        expires = int(self._clock()) + _SECONDS
        self._links[fingerprint(signature)] = Link(repository, digest, credential, expires)
        if len(self._links) > _KEPT:
            self._links.popitem(last=False)
        path = f"/ghcrblobs{_store_of(digest):02}/blobs/{digest}"
        until = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = {"se": until, "sig": signature, **_FIXED}
        signed = {**query, "hmac": self._mac(path, query)}
        return f"https://{hosts.BLOBS}{path}?{urlencode(signed)}"

    def open(self, path: str, query: Mapping[str, str]) -> Link | None:
        """Return the blob of an address, or None for an unknown or expired one."""
        signed = {key: value for key, value in query.items() if key != "hmac"}
        if not hmac.compare_digest(
            query.get("hmac", "").encode(), self._mac(path, signed).encode()
        ):
            return None
        link = self._links.get(fingerprint(query.get("sig", "")))
        return link if link is not None and self._clock() < link.expires else None

    def _mac(self, path: str, query: Mapping[str, str]) -> str:
        text = f"{path}?{urlencode(sorted(query.items()))}"
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _store_of(digest: str) -> int:
    return sum(digest.encode()) % _STORES
