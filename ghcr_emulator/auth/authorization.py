"""Permissions in the registry: pure functions that return the refusal, or None.

Source: README.md, Sources: the token service, the registry after a token.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from ghcr_emulator.auth.authentication import Caller, Standing
from ghcr_emulator.protocol import errors
from ghcr_emulator.protocol.errors import ProtocolError
from ghcr_emulator.state.accounts import AccountToken, Kind, Level, Package, RequestedPackage
from ghcr_emulator.state.assumptions import Assumptions

_WRITING: Final = frozenset({"write:packages"})
_READING: Final = frozenset({"read:packages"})

_BY_STANDING: Final = {
    Standing.UNKNOWN: errors.AUTHENTICATION_REQUIRED,
    Standing.EMPTY: errors.TOKEN_NOT_PROVIDED,
    Standing.BASIC: errors.BASIC_REJECTED,
    Standing.REJECTED: errors.TOKEN_REJECTED,
    Standing.MADE_UP: errors.TOKEN_REJECTED,
}
_MISSING: Final = {error.code: error for error in (errors.NAME_UNKNOWN, errors.MANIFEST_UNKNOWN)}


def token(
    caller: Caller, packages: Sequence[Package | None], assumptions: Assumptions
) -> ProtocolError | None:
    """Check a request for a token to these packages; None stands for one that does not exist.

    A valid credential gets a token for anything: its permissions are checked under /v2/. An invalid
    credential gets none, not even for a public package.
    """
    if caller.credential is not None and caller.standing is Standing.KNOWN:
        scopeless = _lacks_scope(caller.credential, _READING | _WRITING)
        refused = scopeless and assumptions.token_scopeless == 403
        return errors.ACCESS_DENIED if refused else None
    if caller.standing is Standing.REJECTED:
        return errors.CREDENTIAL_DENIED
    if None in packages:
        return _anonymous(assumptions.token_missing)
    if packages and all(package.public for package in packages if package):
        return None
    return _anonymous(assumptions.token_private if packages else HTTPStatus.UNAUTHORIZED)


def enter(caller: Caller) -> ProtocolError | None:
    """Check whether a caller may send requests under /v2/ at all."""
    return _BY_STANDING.get(caller.standing)


def account(caller: Caller) -> ProtocolError | None:
    """Check the ping, which belongs to no repository and needs a credential."""
    return enter(caller) or (None if caller.identity else errors.AUTHENTICATION_REQUIRED)


def catalog(caller: Caller, assumptions: Assumptions) -> ProtocolError | None:
    """Check a request for the catalogue."""
    if caller.standing in {Standing.UNKNOWN, Standing.ANYBODY}:
        return _anonymous(assumptions.catalog_anonymous)
    denied = errors.ACCESS_DENIED if assumptions.catalog == "denied" else None
    return account(caller) or denied


def pull(caller: Caller, place: RequestedPackage, assumptions: Assumptions) -> ProtocolError | None:
    """Check a read of a package."""
    if caller.standing is Standing.MADE_UP and place.public and assumptions.any_bearer:
        return None
    refusal = enter(caller)
    if refusal is not None:
        return refusal
    credential = caller.credential
    if credential is None:
        return None if place.public else errors.AUTHENTICATION_REQUIRED
    # GitHub's form selects read with write, so a token with write alone reads too; `repo` does not.
    if _lacks_scope(credential, _READING | _WRITING if assumptions.write_reads else _READING):
        return errors.SCOPES_MISMATCH
    # A public package is readable, whatever rules its organisation has for tokens.
    barred = None if place.public else barred_by_organisation(credential, place)
    if barred is not None:
        kept_short = barred == errors.SSO_REQUIRED and assumptions.sso_pull == "read_package"
        return errors.READ_DENIED if kept_short else barred
    if place.package is None:
        return _MISSING[assumptions.missing_package]
    return None if _is_read_by(credential, place) else errors.READ_DENIED


def push(caller: Caller, place: RequestedPackage) -> ProtocolError | None:
    """Check a write to a package, or the creation of a package that does not exist."""
    refusal = enter(caller)
    if refusal is not None:
        return refusal
    credential = caller.credential
    if credential is None:
        # An anonymous token authenticates no account, and a push needs one.
        return errors.TOKEN_REJECTED
    if _lacks_scope(credential, _WRITING):
        return errors.SCOPES_MISMATCH
    barred = barred_by_organisation(credential, place)
    if barred is not None:
        return barred
    allowed = place.creates(credential) if place.package is None else place.writes(credential)
    if credential.kind is Kind.WORKFLOW:
        allowed = allowed and credential.packages is Level.WRITE
    return None if allowed else _not_written(credential, place)


def barred_by_organisation(
    credential: AccountToken, place: RequestedPackage
) -> ProtocolError | None:
    """Check a personal token against the rules of its organisation; they skip workflow tokens."""
    owner = place.owner
    if credential.kind is Kind.WORKFLOW:
        return None
    if owner.classic_tokens_forbidden and credential.kind is Kind.CLASSIC:
        return errors.classic_forbidden(owner.shown)
    if owner.sso_enforced and owner.name not in credential.sso_authorised:
        return errors.SSO_REQUIRED
    return None


def _lacks_scope(credential: AccountToken, scopes: frozenset[str]) -> bool:
    """Return whether a token has none of the scopes; a fine-grained token never has one."""
    if credential.kind is Kind.WORKFLOW:
        return False
    return credential.kind is Kind.FINE_GRAINED or not credential.scopes & scopes


def _is_read_by(credential: AccountToken, place: RequestedPackage) -> bool:
    permitted = credential.kind is not Kind.WORKFLOW or credential.packages is not Level.NONE
    return place.public or (permitted and place.reads(credential))


def _not_written(credential: AccountToken, place: RequestedPackage) -> ProtocolError:
    if credential.kind is not Kind.WORKFLOW or not place.owner.organisation:
        return errors.WRITE_DENIED
    if place.package is None:
        return errors.INSTALLATION_CREATES_NOT
    return errors.INSTALLATION_WRITES_NOT


def _anonymous(status: int) -> ProtocolError:
    if status == HTTPStatus.FORBIDDEN:
        return errors.ACCESS_DENIED
    return errors.AUTHENTICATION_REQUIRED
