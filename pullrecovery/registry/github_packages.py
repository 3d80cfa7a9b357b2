"""GitHub's packages API: token scopes, and a package's visibility and versions.

Source: docs.github.com/en/rest/packages. Why githubkit: docs/adr/0012-packages-client.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import githubkit
import httpx
from githubkit.exception import GitHubException, RequestError, RequestFailed, RequestTimeout
from githubkit.response import Response

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.redaction import redact
from pullrecovery.model.grant import TokenGrant
from pullrecovery.model.probe import Probe, RegistryFailure
from pullrecovery.registry.failures import failure_of_error

_AGENT = "pull-recovery"
_PER_PAGE = 100
_TIMEOUT = 30.0
_ADDRESS = "https://api.github.com"
# With the name of the zone, or with its offset, which go-github handles too (google/go-github,
# github.go).
_ENDS = ("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %z")


class PackagesError(PullRecoveryError):
    """GitHub refused a request, or did not answer.

    `status` is the HTTP status, 0 without an answer. `sso` is the URL at which a user can authorise
    the token for the organisation, if the token lacks that authorisation.
    """

    def __init__(
        self,
        what: str,
        status: int,
        message: str,
        sso: str = "",
        cut: RegistryFailure | None = None,
    ) -> None:
        super().__init__(f"GitHub's packages API, {what}: {status or 'no answer'} {message}")
        self.status = status
        self.message = message
        self.sso = sso
        self._cut = cut

    @property
    def failure(self) -> RegistryFailure | None:
        """Why there was no usable answer; None if GitHub refused."""
        return Probe("registry" if self.status else "network", self.status, cut=self._cut).failure


@dataclass(frozen=True)
class PackageVersion:
    """One manifest of a package; `tags` point to it, or pointed to it before its deletion."""

    id: int
    digest: str
    tags: tuple[str, ...]


class Packages:
    """The container packages of one owner, as the API shows them to the owner of `token`.

    `base_url` and `transport` are for another GitHub API: an enterprise's, or the lab's. `kinds` is
    a cache, shared by several instances, of which owner is a user and which an organisation. Every
    method but token() raises PackagesError.
    """

    def __init__(
        self,
        owner: str,
        token: str,
        *,
        base_url: str = _ADDRESS,
        transport: httpx.BaseTransport | None = None,
        kinds: dict[str, str] | None = None,
    ) -> None:
        self._owner = owner
        self._github = githubkit.GitHub(
            githubkit.TokenAuthStrategy(token),
            base_url=base_url,
            transport=transport,
            user_agent=_AGENT,
            timeout=_TIMEOUT,
            # A test needs the current state, and must receive every refusal.
            http_cache=False,
            auto_retry=False,
        )
        self._kinds = {} if kinds is None else kinds

    def scopes(self) -> frozenset[str] | None:
        """The token's scopes; None if GitHub lists none because the token is not a classic one."""
        return _scopes(self._send("GET", "/user").raw_response)

    def token(self) -> TokenGrant:
        """What GitHub reports about the token; a refusal is also returned, not raised."""
        try:
            answer = self._send("GET", "/user").raw_response
        except PackagesError as error:
            return TokenGrant(error.status, message=error.message, failure=error.failure)
        ends = answer.headers.get("github-authentication-token-expiration", "")
        return TokenGrant(answer.status_code, _scopes(answer), _moment(ends))

    def visibility(self, package: str) -> str:
        """`public`, `private` or `internal`; `package` is the name without its owner."""
        return str(self._send("GET", self._path(package)).json()["visibility"])

    def versions(self, package: str, *, deleted: bool = False) -> list[PackageVersion]:
        """Return the existing versions, or the deleted ones, newest first."""
        query: dict[str, str | int] = {
            "state": "deleted" if deleted else "active",
            "per_page": _PER_PAGE,
        }
        path = f"{self._path(package)}/versions"
        answer = self._send("GET", path, query)
        versions = [_version(row) for row in answer.json()]
        # Only the link's query is used: its host is GitHub's, and this API may be elsewhere.
        while following := answer.raw_response.links.get("next"):
            page = dict(httpx.URL(following["url"]).params)
            answer = self._send("GET", path, {**query, **page})
            versions += [_version(row) for row in answer.json()]
        return versions

    def delete(self, package: str, version: PackageVersion) -> None:
        """Delete a version; the registry then has neither the version nor its tags."""
        self._send("DELETE", f"{self._path(package)}/versions/{version.id}")

    def restore(self, package: str, version: PackageVersion) -> None:
        """Restore a deleted version, with its tags."""
        self._send("POST", f"{self._path(package)}/versions/{version.id}/restore")

    def _path(self, package: str) -> str:
        owner, name = quote(self._owner, safe=""), quote(package, safe="")
        if owner not in self._kinds:
            account = self._send("GET", f"/users/{owner}").json()
            self._kinds[owner] = "orgs" if account["type"] == "Organization" else "users"
        return f"/{self._kinds[owner]}/{owner}/packages/container/{name}"

    def _send(
        self, method: str, path: str, query: dict[str, str | int] | None = None
    ) -> Response[Any, Any]:
        what = f"{method} {path}"
        try:
            return self._ask(method, path, query)
        except RequestFailed as error:
            raise _refused(what, error.response.raw_response) from None
        except RequestError as error:
            cut = failure_of_error(error.exc) if isinstance(error.exc, httpx.HTTPError) else None
            raise PackagesError(what, 0, redact(str(error.exc)), cut=cut) from error
        except GitHubException as error:
            raise PackagesError(what, 0, redact(repr(error))) from error

    def _ask(
        self, method: str, path: str, query: dict[str, str | int] | None
    ) -> Response[Any, Any]:
        try:
            return self._github.request(method, path, params=query)
        except RequestError as error:
            # Each request has its own connection; a cut connection is not an answer of GitHub.
            cut = not isinstance(error, RequestFailed | RequestTimeout)
            if method != "GET" or not cut:
                raise
            return self._github.request(method, path, params=query)


@dataclass(frozen=True)
class GitHub:
    """The location of GitHub's API; `transport` builds the transport to another one.

    Each owner's kind (user or organisation) is requested once.
    """

    transport: Callable[[], httpx.BaseTransport] | None = None
    _kinds: dict[str, str] = field(default_factory=dict)

    def packages(self, owner: str, token: str) -> Packages:
        """The packages of `owner`, as the API shows them to the owner of `token`."""
        transport = self.transport() if self.transport else None
        return Packages(owner, token, transport=transport, kinds=self._kinds)


def _scopes(answer: httpx.Response) -> frozenset[str] | None:
    header = answer.headers.get("x-oauth-scopes")
    if header is None:
        return None
    return frozenset(scope.strip() for scope in header.split(",") if scope.strip())


def _moment(text: str) -> datetime | None:
    """The expiry of a token, in UTC; None if it does not expire or cannot be parsed."""
    for form in _ENDS:
        try:
            read = datetime.strptime(text, form)  # noqa: DTZ007
        except ValueError:
            continue
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    return None


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
