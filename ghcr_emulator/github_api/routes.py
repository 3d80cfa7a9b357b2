"""The routes of GitHub's API.

Source: docs.github.com/en/rest/packages, /en/rest/commits/statuses and /en/rest/actions/workflows.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote


class Call(StrEnum):
    """The calls of the API, by the part of the path that does not depend on the owner."""

    USER = "user"
    ACCOUNT = "account"
    PACKAGES = "packages"
    PACKAGE = "package"
    RESTORE_PACKAGE = "restore package"
    VERSIONS = "versions"
    VERSION = "version"
    RESTORE_VERSION = "restore version"
    STATUS = "status"
    STATUSES = "statuses"
    WORKFLOW = "workflow"
    DISPATCHES = "dispatches"


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A call; `owner` is "" for the caller's own packages, and `organisation` is the path's kind.

    `source` is the repository that holds a commit or a workflow, `commit` the commit's id,
    `workflow` the workflow's file or id.
    """

    call: Call
    owner: str = ""
    organisation: bool = False
    package: str = ""
    version: int = 0
    source: str = ""
    commit: str = ""
    workflow: str = ""


# The methods of each call.
METHODS: Final = {
    Call.USER: {"GET", "HEAD"},
    Call.ACCOUNT: {"GET", "HEAD"},
    Call.PACKAGES: {"GET", "HEAD"},
    Call.PACKAGE: {"GET", "HEAD", "DELETE"},
    Call.RESTORE_PACKAGE: {"POST"},
    Call.VERSIONS: {"GET", "HEAD"},
    Call.VERSION: {"GET", "HEAD", "DELETE"},
    Call.RESTORE_VERSION: {"POST"},
    Call.STATUS: {"POST"},
    Call.STATUSES: {"GET", "HEAD"},
    Call.WORKFLOW: {"GET", "HEAD"},
    Call.DISPATCHES: {"POST"},
}


def parse(raw_path: bytes) -> ApiRequest | None:
    """Parse an undecoded path, because a package's name may hold %2F; None for an unknown one."""
    parts = [unquote(part) for part in raw_path.decode("latin-1").split("/")[1:]]
    match parts:
        case ["user"]:
            return ApiRequest(Call.USER)
        case ["users", owner] if owner:
            return ApiRequest(Call.ACCOUNT, owner.lower())
        case ["user", "packages", *rest]:
            return _below(ApiRequest(Call.PACKAGES), rest)
        case ["orgs", owner, "packages", *rest] if owner:
            return _below(ApiRequest(Call.PACKAGES, owner.lower(), organisation=True), rest)
        case ["users", owner, "packages", *rest] if owner:
            return _below(ApiRequest(Call.PACKAGES, owner.lower()), rest)
        case ["repos", owner, name, *rest] if owner and name:
            return _in_repository(owner.lower(), name.lower(), rest)
        case _:
            return None


def _in_repository(owner: str, name: str, rest: list[str]) -> ApiRequest | None:
    match rest:
        case ["statuses", commit]:
            return ApiRequest(Call.STATUS, owner, source=name, commit=commit)
        case ["commits", commit, "statuses"]:
            return ApiRequest(Call.STATUSES, owner, source=name, commit=commit)
        case ["actions", "workflows", workflow]:
            return ApiRequest(Call.WORKFLOW, owner, source=name, workflow=workflow)
        case ["actions", "workflows", workflow, "dispatches"]:
            return ApiRequest(Call.DISPATCHES, owner, source=name, workflow=workflow)
        case _:
            return None


def _below(place: ApiRequest, rest: list[str]) -> ApiRequest | None:
    match rest:
        case []:
            return place
        case ["container", package]:
            return _asked(place, Call.PACKAGE, package)
        case ["container", package, "restore"]:
            return _asked(place, Call.RESTORE_PACKAGE, package)
        case ["container", package, "versions"]:
            return _asked(place, Call.VERSIONS, package)
        case ["container", package, "versions", number] if _is_id(number):
            return _asked(place, Call.VERSION, package, int(number))
        case ["container", package, "versions", number, "restore"] if _is_id(number):
            return _asked(place, Call.RESTORE_VERSION, package, int(number))
        case _:
            return None


def _asked(place: ApiRequest, call: Call, package: str, version: int = 0) -> ApiRequest:
    return ApiRequest(call, place.owner, place.organisation, package, version)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16
