"""What a caller may do: pure functions that return the refusal, or None.

Source: README.md, Sources: the token service, the registry after a token.
"""

from collections.abc import Sequence
from typing import Final

from pullrecovery.lab.ghcr import errors
from pullrecovery.lab.ghcr.callers import Caller, Standing
from pullrecovery.lab.ghcr.errors import ProtocolError
from pullrecovery.lab.ghcr.state import Credential, Owner, Package, Visibility, has_login

_WRITING: Final = frozenset({"write:packages"})
# GitHub's form ticks read with write, so a token with write alone reads too; `repo` does not.
_READING: Final = frozenset({"read:packages", "write:packages"})

_BY_STANDING: Final = {
    Standing.UNKNOWN: errors.AUTHENTICATION_REQUIRED,
    Standing.EMPTY: errors.TOKEN_NOT_PROVIDED,
    Standing.BASIC: errors.BASIC_REJECTED,
    Standing.REJECTED: errors.TOKEN_REJECTED,
}


def token(caller: Caller, packages: Sequence[Package | None]) -> ProtocolError | None:
    """Judge a request for a token to these packages; None stands for one that does not exist.

    A valid credential gets a token for anything: what it may do is judged under /v2/. An invalid
    one gets none, not even for a public package.
    """
    if caller.standing is Standing.KNOWN:
        return None
    if caller.standing is Standing.REJECTED:
        return errors.CREDENTIAL_DENIED
    if None in packages:
        return errors.ACCESS_DENIED
    if packages and all(_is_public(package) for package in packages):
        return None
    return errors.AUTHENTICATION_REQUIRED


def enter(caller: Caller) -> ProtocolError | None:
    """Judge whether a caller is let past the door of /v2/ at all."""
    return _BY_STANDING.get(caller.standing)


def account(caller: Caller) -> ProtocolError | None:
    """Judge what belongs to no repository, the ping and the catalogue: it takes a credential."""
    return enter(caller) or (None if caller.identity else errors.AUTHENTICATION_REQUIRED)


def pull(caller: Caller, package: Package | None) -> ProtocolError | None:
    """Judge a read of a package, which is None where it does not exist."""
    refusal = enter(caller)
    if refusal is not None:
        return refusal
    if caller.credential is None:
        return None if _is_public(package) else errors.AUTHENTICATION_REQUIRED
    if not caller.credential.scopes & _READING:
        return errors.SCOPES_MISMATCH
    if package is None:
        return errors.NAME_UNKNOWN
    return None if _reads(caller.credential, package) else errors.READ_DENIED


def push(caller: Caller, package: Package | None, owner: Owner) -> ProtocolError | None:
    """Judge a write to a package, or the making of one in `owner` where it is None."""
    refusal = enter(caller)
    if refusal is not None:
        return refusal
    if caller.credential is None:
        # An anonymous token does authenticate nobody, and a push needs somebody.
        return errors.TOKEN_REJECTED
    if not caller.credential.scopes & _WRITING:
        return errors.SCOPES_MISMATCH
    writers = owner.creators if package is None else package.writers
    allowed = has_login(caller.credential.login, {owner.name, *writers})
    return None if allowed else errors.WRITE_DENIED


def _is_public(package: Package | None) -> bool:
    return package is not None and package.visibility is Visibility.PUBLIC


def _reads(credential: Credential, package: Package) -> bool:
    insiders = {package.owner, *package.readers, *package.writers}
    return _is_public(package) or has_login(credential.login, insiders)
