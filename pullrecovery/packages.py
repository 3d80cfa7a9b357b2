"""GitHub's packages API: what versions a package has, and taking one away and back.

Source: docs.github.com/en/rest/packages. Why githubkit: docs/adr/0012-packages-client.md.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from githubkit import GitHub, TokenAuthStrategy
from githubkit.exception import GitHubException, RequestError, RequestFailed
from githubkit.response import Response

from pullrecovery.errors import PullRecoveryError
from pullrecovery.redaction import redact

_AGENT = "pull-recovery"
_PER_PAGE = 100
_TIMEOUT = 30.0


class PackagesError(PullRecoveryError):
    """GitHub refused, or did not answer.

    `status` is the HTTP status, 0 without an answer; `sso` the address where the token can be
    authorised for the organisation, where that is what is missing.
    """

    def __init__(self, what: str, status: int, message: str, sso: str = "") -> None:
        super().__init__(f"GitHub's packages API, {what}: {status or 'no answer'} {message}")
        self.status = status
        self.message = message
        self.sso = sso


@dataclass(frozen=True)
class PackageVersion:
    """One manifest of a package; `tags` are those that lead to it, or led when it was deleted."""

    id: int
    digest: str
    tags: tuple[str, ...]


class Packages:
    """The container packages of one owner, as the holder of `token` sees them.

    `base_url` and `transport` are for a GitHub that is elsewhere: an enterprise's, or the lab's.
    Every method raises PackagesError.
    """

    def __init__(
        self,
        owner: str,
        token: str,
        *,
        base_url: str = "https://api.github.com",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._owner = owner
        self._github = GitHub(
            TokenAuthStrategy(token),
            base_url=base_url,
            transport=transport,
            user_agent=_AGENT,
            timeout=_TIMEOUT,
            # A test asks to see what is there now, and wants to hear of every refusal.
            http_cache=False,
            auto_retry=False,
        )
        self._kind: str | None = None

    def scopes(self) -> frozenset[str] | None:
        """Scopes of the token; None where GitHub says nothing of them, as it is no classic one."""
        header = self._send("GET", "/user").headers.get("x-oauth-scopes")
        if header is None:
            return None
        return frozenset(scope.strip() for scope in header.split(",") if scope.strip())

    def visibility(self, package: str) -> str:
        """`public`, `private` or `internal`; `package` is the name without its owner."""
        return str(self._send("GET", self._path(package)).json()["visibility"])

    def versions(self, package: str, *, deleted: bool = False) -> list[PackageVersion]:
        """Return the versions there are, or those that were deleted, newest first."""
        query: dict[str, str | int] = {
            "state": "deleted" if deleted else "active",
            "per_page": _PER_PAGE,
        }
        path = f"{self._path(package)}/versions"
        answer = self._send("GET", path, query)
        found = [_version(row) for row in answer.json()]
        # Of the link the query alone, as its host is GitHub's where we may be elsewhere.
        while following := answer.raw_response.links.get("next"):
            page = dict(httpx.URL(following["url"]).params)
            answer = self._send("GET", path, {**query, **page})
            found += [_version(row) for row in answer.json()]
        return found

    def delete(self, package: str, version: PackageVersion) -> None:
        """Delete a version; the registry then knows neither it nor its tags."""
        self._send("DELETE", f"{self._path(package)}/versions/{version.id}")

    def restore(self, package: str, version: PackageVersion) -> None:
        """Bring a deleted version back, with its tags."""
        self._send("POST", f"{self._path(package)}/versions/{version.id}/restore")

    def _path(self, package: str) -> str:
        if self._kind is None:
            account = self._send("GET", f"/users/{quote(self._owner, safe='')}").json()
            self._kind = "orgs" if account["type"] == "Organization" else "users"
        owner, name = quote(self._owner, safe=""), quote(package, safe="")
        return f"/{self._kind}/{owner}/packages/container/{name}"

    def _send(
        self, method: str, path: str, query: dict[str, str | int] | None = None
    ) -> Response[Any, Any]:
        what = f"{method} {path}"
        try:
            return self._github.request(method, path, params=query)
        except RequestFailed as error:
            raise _refused(what, error.response.raw_response) from None
        except RequestError as error:
            raise PackagesError(what, 0, redact(str(error.exc))) from error
        except GitHubException as error:
            raise PackagesError(what, 0, redact(repr(error))) from error


def _refused(what: str, answer: httpx.Response) -> PackagesError:
    try:
        message = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        message = answer.text[:200]
    required, _, address = answer.headers.get("x-github-sso", "").partition("; url=")
    return PackagesError(
        what, answer.status_code, redact(message), address if required == "required" else ""
    )


def _version(row: dict[str, Any]) -> PackageVersion:
    tags = row["metadata"]["container"]["tags"]
    return PackageVersion(int(row["id"]), str(row["name"]), tuple(str(tag) for tag in tags))
