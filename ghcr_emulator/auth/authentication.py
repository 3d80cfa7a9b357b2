"""Who is asking, read from the Authorization header.

Source: README.md, Sources: callers. The username of a Basic header is not checked and
never kept: people paste tokens there.
"""

import base64
import binascii
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ghcr_emulator.state.accounts import AccountToken
from ghcr_emulator.state.state import State
from ghcr_emulator.state.tokens import fingerprint


class Standing(Enum):
    """What the registry makes of a caller."""

    UNKNOWN = auto()  # said nothing
    EMPTY = auto()  # an Authorization without a token in it
    BASIC = auto()  # a password where only bearer tokens are taken
    REJECTED = auto()  # a token that nobody, or nobody any more, has
    MADE_UP = auto()  # base64 that is nobody's token, as a bearer
    ANYBODY = auto()  # an anonymous bearer token
    KNOWN = auto()  # a usable credential, or a bearer token issued for one


@dataclass(frozen=True, slots=True)
class Caller:
    """A standing, and the credential the request was made with, also where it was rejected."""

    standing: Standing
    credential: AccountToken | None = None

    @property
    def identity(self) -> AccountToken | None:
        """The credential the caller is taken for: none unless KNOWN."""
        return self.credential if self.standing is Standing.KNOWN else None


_UNKNOWN: Final = Caller(Standing.UNKNOWN)
_EMPTY: Final = Caller(Standing.EMPTY)
_REJECTED: Final = Caller(Standing.REJECTED)
_MADE_UP: Final = Caller(Standing.MADE_UP)
_ANYBODY: Final = Caller(Standing.ANYBODY)


def at_token_service(authorization: str | None, state: State) -> Caller:
    """Return who asks for a token: KNOWN, REJECTED, or UNKNOWN for all but Basic."""
    scheme, value = _split(authorization)
    if scheme != "basic":
        return _UNKNOWN
    return _holder(state.credential_of(fingerprint(_password(value))))


def at_api(authorization: str | None, state: State) -> Caller:
    """Return who asks the REST API: KNOWN, REJECTED, or UNKNOWN for who brings no token.

    It takes a token itself, as `token`, as `bearer` or as a password, and none of the registry's.
    """
    scheme, value = _split(authorization)
    if scheme == "basic":
        return _holder(state.credential_of(fingerprint(_password(value))))
    if scheme not in {"bearer", "token"}:
        return _UNKNOWN
    return _holder(state.credential_of(fingerprint(value)))


def at_registry(authorization: str | None, state: State) -> Caller:
    """Return who asks under /v2/."""
    scheme, value = _split(authorization)
    if scheme == "basic":
        return Caller(Standing.BASIC, state.credential_of(fingerprint(_password(value))))
    if scheme != "bearer":
        return _UNKNOWN
    if not value:
        return _EMPTY
    grant = state.bearers.grant(value, state.assumptions.bearer_seconds)
    if grant is None:
        holder = state.credential_of(fingerprint(_password(value)))
        return _MADE_UP if holder is None and _is_base64(value) else _holder(holder)
    if grant.credential is None:
        return _ANYBODY
    return _holder(state.credential_of(grant.credential))


def _holder(credential: AccountToken | None) -> Caller:
    if credential is None:
        return _REJECTED
    return Caller(Standing.KNOWN if credential.usable else Standing.REJECTED, credential)


def _split(authorization: str | None) -> tuple[str, str]:
    scheme, _, value = (authorization or "").strip().partition(" ")
    return scheme.lower(), value.strip()


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True


def _password(encoded: str) -> str:
    """Return the part after the first colon of a base64 text, or all of it if it has none."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    user, colon, password = text.partition(":")
    return password if colon else user
