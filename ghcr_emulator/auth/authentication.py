"""Authentication: the caller of a request, read from the Authorization header.

Source: README.md, Sources: callers. The username of a Basic header is not checked and never stored,
because users paste tokens there.
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
    """The result of authentication of a request."""

    UNKNOWN = auto()  # no Authorization header
    EMPTY = auto()  # an Authorization header without a token
    BASIC = auto()  # a password where only bearer tokens are accepted
    REJECTED = auto()  # a token that no account has, or has any more
    MADE_UP = auto()  # a bearer in base64 that is no account's token
    ANYBODY = auto()  # an anonymous bearer token
    KNOWN = auto()  # a usable credential, or a bearer token issued for one


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated caller: a standing, and the credential of the request, also if rejected."""

    standing: Standing
    credential: AccountToken | None = None

    @property
    def identity(self) -> AccountToken | None:
        """The credential of an authenticated caller; None unless the standing is KNOWN."""
        return self.credential if self.standing is Standing.KNOWN else None


_UNKNOWN: Final = Caller(Standing.UNKNOWN)
_EMPTY: Final = Caller(Standing.EMPTY)
_REJECTED: Final = Caller(Standing.REJECTED)
_MADE_UP: Final = Caller(Standing.MADE_UP)
_ANYBODY: Final = Caller(Standing.ANYBODY)


def at_token_service(authorization: str | None, state: State) -> Caller:
    """Return the caller of the token service: KNOWN, REJECTED, or UNKNOWN for all but Basic."""
    scheme, value = _split(authorization)
    if scheme != "basic":
        return _UNKNOWN
    return _holder(state.credential_of(fingerprint(_password(value))))


def at_api(authorization: str | None, state: State) -> Caller:
    """Return the caller of the REST API: KNOWN, REJECTED, or UNKNOWN without a token.

    The API accepts a token as `token`, as `bearer` or as a password. It does not accept the
    registry's bearer tokens.
    """
    scheme, value = _split(authorization)
    if scheme == "basic":
        return _holder(state.credential_of(fingerprint(_password(value))))
    if scheme not in {"bearer", "token"}:
        return _UNKNOWN
    return _holder(state.credential_of(fingerprint(value)))


def at_registry(authorization: str | None, state: State) -> Caller:
    """Return the caller of a request under /v2/."""
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
    """Return what follows the first colon of a base64 text, or all of it if it has no colon."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    user, colon, password = text.partition(":")
    return password if colon else user
