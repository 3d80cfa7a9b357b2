"""Permissions in the REST API: pure functions that return the refusal, or None.

Source: README.md, Sources: the REST API.
"""

from typing import Final, NamedTuple

from ghcr_emulator.auth import authorization as authorize
from ghcr_emulator.auth.authentication import Caller, Standing
from ghcr_emulator.github_api.responses import Refusal
from ghcr_emulator.github_api.routes import ApiRequest, Call
from ghcr_emulator.protocol import errors
from ghcr_emulator.state.accounts import AccountToken, Kind, Level, RequestedPackage

_SSO_DOCS: Final = (
    "https://docs.github.com/articles/authenticating-to-a-github-organization"
    "-with-saml-single-sign-on/"
)
_NO_TOKEN: Final = Refusal(401, "Requires authentication")
_BAD_TOKEN: Final = Refusal(401, "Bad credentials")
_NO_PERSONAL_TOKEN: Final = Refusal(403, "Resource not accessible by personal access token")
_NO_INTEGRATION: Final = Refusal(403, "Resource not accessible by integration")
_NO_ADMIN: Final = Refusal(403, "Forbidden")
NO_REPOSITORY: Final = Refusal(404, "Not Found", "/commits/statuses")
NO_WORKFLOW: Final = Refusal(404, "Not Found", "/actions/workflows#get-a-workflow")
NO_PACKAGE: Final = Refusal(404, "Package not found.", "/packages/packages")
NO_VERSION: Final = Refusal(404, "Package version not found.", "/packages/packages")
LAST_TAGGED: Final = Refusal(
    400,
    "You cannot delete the last tagged version of a package. You must delete the package instead.",
    "/packages/packages",
)

# write:packages includes read:packages.
_READ: Final = frozenset({"read:packages", "write:packages"})

_STATUS: Final = frozenset({"repo", "repo:status"})
REPOSITORIES: Final = "repo"

# The end of GitHub's sentence on the scopes that are missing.
_TO_READ: Final = {
    Call.PACKAGES: "to list packages.",
    Call.PACKAGE: "to get a package.",
    Call.VERSIONS: "to get a package's versions.",
    Call.VERSION: "to get a package version.",
}


class _Change(NamedTuple):
    verb: str
    scope: str


_CHANGES: Final = {
    "DELETE": _Change("delete", "delete:packages"),
    "POST": _Change("restore", "write:packages"),
}


def enter(caller: Caller) -> Refusal | None:
    """Check whether a caller may use the API at all."""
    if caller.standing is Standing.UNKNOWN:
        return _NO_TOKEN
    return None if caller.standing is Standing.KNOWN else _BAD_TOKEN


def user(credential: AccountToken) -> Refusal | None:
    """Check a request for the caller's own user; a workflow run has none."""
    return _NO_INTEGRATION if credential.kind is Kind.WORKFLOW else None


def kind_and_scopes(credential: AccountToken, asked: ApiRequest, method: str) -> Refusal | None:
    """Check the kind of a token and its scopes."""
    if credential.kind is Kind.FINE_GRAINED:
        return _NO_PERSONAL_TOKEN
    if credential.kind is Kind.WORKFLOW:
        needed = {Level.WRITE} if changes(method) else {Level.READ, Level.WRITE}
        return None if credential.packages in needed else _NO_INTEGRATION
    missing = _missing_scopes(credential.scopes, asked, method)
    return Refusal(403, missing, "/packages/packages") if missing else None


def statuses(credential: AccountToken, asked: ApiRequest, *, known: bool) -> Refusal | None:
    """Check a call about a commit's statuses; what a token may not see is answered as missing.

    A run may write them in its own repository: the emulator has no `permissions:` for statuses.
    """
    if not known:
        return NO_REPOSITORY
    if credential.kind is Kind.FINE_GRAINED:
        return _NO_PERSONAL_TOKEN
    if credential.kind is Kind.WORKFLOW:
        own = credential.repository.lower() == f"{asked.owner}/{asked.source}"
        return None if own else _NO_INTEGRATION
    return None if credential.scopes & _STATUS else NO_REPOSITORY


def workflows(credential: AccountToken) -> Refusal | None:
    """Check the kind and scopes of a token that reads a workflow, or starts it.

    The emulator has no `permissions:` of a run for actions.
    """
    if credential.kind is Kind.FINE_GRAINED:
        return _NO_PERSONAL_TOKEN
    if credential.kind is Kind.WORKFLOW:
        return _NO_INTEGRATION
    return None if REPOSITORIES in credential.scopes else NO_WORKFLOW


def organisation(credential: AccountToken, place: RequestedPackage) -> Refusal | None:
    """Check a token against the rules of the owner, which do not apply to public packages."""
    barred = None if place.public else authorize.barred_by_organisation(credential, place)
    if barred is None:
        return None
    message = barred.message.removeprefix("permission_denied: ")
    if barred != errors.SSO_REQUIRED:
        return Refusal(403, message)
    address = (
        f"https://github.com/orgs/{place.owner.shown}/sso?authorization_request={credential.name}"
    )
    return Refusal(403, message, _SSO_DOCS, {"x-github-sso": f"required; url={address}"})


def package(credential: AccountToken, place: RequestedPackage, method: str) -> Refusal | None:
    """Check a call about a package; one that the token may not read is answered as missing."""
    if not place.reads(credential):
        return NO_PACKAGE
    return None if not changes(method) or place.administers(credential) else _NO_ADMIN


def changes(method: str) -> bool:
    """Return whether a method changes anything."""
    return method not in {"GET", "HEAD"}


def accepted_scopes(method: str) -> str:
    """Return the value of X-Accepted-OAuth-Scopes for a call about packages."""
    return _CHANGES[method].scope if changes(method) else "read:packages"


def _missing_scopes(scopes: frozenset[str], asked: ApiRequest, method: str) -> str:
    """Return GitHub's sentence on missing scopes, or "" where none is missing."""
    reads = bool(scopes & _READ)
    if not changes(method):
        return "" if reads else f"You need at least read:packages scope {_TO_READ[asked.call]}"
    change = _CHANGES[method]
    if reads and change.scope in scopes:
        return ""
    thing = "a package version" if asked.version else "a package"
    return f"You need at least {change.scope} and read:packages scopes to {change.verb} {thing}."
