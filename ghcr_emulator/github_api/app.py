"""The container packages of GitHub's REST API, `api.github.com`.

commit_statuses.py and workflow_dispatches.py have the rest. Source:
docs.github.com/en/rest/packages, and README.md, Sources: the REST API.
"""

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ghcr_emulator.access_log import middleware as recorder
from ghcr_emulator.auth import authentication as callers
from ghcr_emulator.auth.authentication import Caller
from ghcr_emulator.github_api import (
    permissions as apirules,
)
from ghcr_emulator.github_api import (
    responses as apireplies,
)
from ghcr_emulator.github_api import (
    routes as apipaths,
)
from ghcr_emulator.github_api import (
    workflow_dispatches,
)
from ghcr_emulator.github_api.commit_statuses import CommitStatuses
from ghcr_emulator.github_api.responses import Refusal
from ghcr_emulator.github_api.routes import METHODS, ApiRequest, Call
from ghcr_emulator.protocol.routes import Route, RouteTarget
from ghcr_emulator.registry_api import upstream_proxy as storage
from ghcr_emulator.registry_api.package_versions import Inventory, Tagged
from ghcr_emulator.state.accounts import AccountToken, Kind, Package, RequestedPackage
from ghcr_emulator.state.state import State

_NOT_FOUND = Refusal(404, "Not Found")
_BAD_GATEWAY = Refusal(502, "Server Error")
_DONE = 204


class ApiRefusedError(Exception):
    """The request is refused while its answer is being made."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class PackagesApi:
    """The application that answers as api.github.com."""

    def __init__(self, state: State, registry: httpx.AsyncClient) -> None:
        self._state = state
        self._inventory = Inventory(state, registry)
        self._statuses = CommitStatuses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        recorder.note_target(request, RouteTarget(Route.API))
        caller = callers.at_api(request.headers.get("authorization"), self._state)
        recorder.note_caller(request, caller)
        try:
            response = await self._call(request, _identity(caller))
        except ApiRefusedError as refused:
            response = refused.refusal.response()
        except storage.UpstreamRefusedError:
            response = _BAD_GATEWAY.response()
        if caller.identity is not None and caller.identity.kind is Kind.CLASSIC:
            response.headers["x-oauth-scopes"] = ", ".join(sorted(caller.identity.scopes))
            response.headers["x-accepted-oauth-scopes"] = _accepted(request)
        if caller.identity is not None and caller.identity.expires is not None:
            ends = caller.identity.expires.strftime("%Y-%m-%d %H:%M:%S UTC")
            response.headers["github-authentication-token-expiration"] = ends
        return response

    async def _call(self, request: Request, credential: AccountToken) -> Response:
        asked = apipaths.parse(request.scope["raw_path"].partition(b"?")[0])
        if asked is None or request.method not in METHODS[asked.call]:
            raise ApiRefusedError(_NOT_FOUND)
        if asked.call is Call.USER:
            _check(apirules.user(credential))
            return apireplies.document(apireplies.user(credential.login))
        if asked.call is Call.ACCOUNT:
            return self._account(asked)
        if asked.call in {Call.STATUS, Call.STATUSES}:
            _check(apirules.statuses(credential, asked, known=self._state.has_owner(asked.owner)))
            return await self._statuses.answer(request, credential, asked)
        if asked.call in {Call.WORKFLOW, Call.DISPATCHES}:
            _check(apirules.workflows(credential))
            workflows = self._state.workflows
            return await workflow_dispatches.answer(workflows, request, credential, asked)
        _check(apirules.kind_and_scopes(credential, asked, request.method))
        if asked.call is Call.PACKAGES:
            return await self._list(request, credential, asked)
        return await self._one(request, credential, asked)

    def _account(self, asked: ApiRequest) -> Response:
        if not self._state.has_owner(asked.owner):
            raise ApiRefusedError(_NOT_FOUND)
        owner = self._state.owner(asked.owner)
        return apireplies.document(apireplies.user(owner.shown, organisation=owner.organisation))

    async def _list(
        self, request: Request, credential: AccountToken, asked: ApiRequest
    ) -> Response:
        owner = self._owner(credential, asked)
        _check(apirules.organisation(credential, RequestedPackage(self._state.owner(owner), None)))
        if request.query_params.get("package_type") != "container":
            # The emulator has only packages of the type `container`.
            return apireplies.page(request, [])
        wanted = request.query_params.get("visibility")
        rows = [
            await self._show(row)
            for row in self._state.packages_of(owner)
            if wanted in {None, row.visibility}
            and self._state.place(row.repository).reads(credential)
        ]
        return apireplies.page(request, rows)

    async def _one(self, request: Request, credential: AccountToken, asked: ApiRequest) -> Response:
        repository = f"{self._owner(credential, asked)}/{asked.package}"
        recorder.note_repository(request, repository)
        if asked.call is Call.RESTORE_PACKAGE:
            return self._restore_package(credential, repository)
        place = self._state.place(repository)
        _check(apirules.organisation(credential, place))
        if place.package is None:
            raise ApiRefusedError(apirules.NO_PACKAGE)
        _check(apirules.package(credential, place, request.method))
        if asked.call is Call.PACKAGE:
            return await self._package(request, place.package)
        if asked.call is Call.VERSIONS:
            return await self._versions(request, place, place.package)
        return await self._version(request, place, place.package, asked)

    async def _package(self, request: Request, row: Package) -> Response:
        if request.method == "DELETE":
            self._state.remove_package(row.repository)
            return Response(status_code=_DONE)
        return apireplies.document(await self._show(row))

    def _restore_package(self, credential: AccountToken, repository: str) -> Response:
        row = self._state.removed_package(repository)
        if row is None:
            raise ApiRefusedError(apirules.NO_PACKAGE)
        place = RequestedPackage(self._state.place(repository).owner, row)
        _check(apirules.organisation(credential, place))
        _check(apirules.package(credential, place, "POST"))
        self._state.put_package(row)
        return Response(status_code=_DONE)

    async def _versions(self, request: Request, place: RequestedPackage, row: Package) -> Response:
        deleted = request.query_params.get("state") == "deleted"
        found = await self._inventory.versions(row.repository, deleted=deleted)
        return apireplies.page(
            request, [apireplies.version(place.owner, row, one) for one in found]
        )

    async def _version(
        self, request: Request, place: RequestedPackage, row: Package, asked: ApiRequest
    ) -> Response:
        restored = asked.call is Call.RESTORE_VERSION
        versions = await self._inventory.versions(row.repository, deleted=restored)
        found = next((one for one in versions if one.version.id == asked.version), None)
        if found is None:
            raise ApiRefusedError(apirules.NO_VERSION)
        recorder.note_digest(request, found.version.digest)
        if restored:
            await self._inventory.restore(row.repository, found)
        elif request.method == "DELETE":
            _check(_last_tagged(versions, found))
            await self._inventory.delete(row.repository, found)
        else:
            return apireplies.document(apireplies.version(place.owner, row, found))
        return Response(status_code=_DONE)

    async def _show(self, row: Package) -> dict[str, object]:
        versions = await self._inventory.versions(row.repository)
        born, owner = self._state.born(row.repository), self._state.owner(row.owner)
        return apireplies.package(owner, row, born, versions)

    def _owner(self, credential: AccountToken, asked: ApiRequest) -> str:
        """Return the owner of the packages; an owner in a path must be of the path's kind."""
        if not asked.owner:
            return credential.login.lower()
        owner = self._state.owner(asked.owner)
        if not self._state.has_owner(asked.owner) or owner.organisation != asked.organisation:
            raise ApiRefusedError(_NOT_FOUND)
        return asked.owner


def _identity(caller: Caller) -> AccountToken:
    _check(apirules.enter(caller))
    if caller.identity is None:
        raise TypeError(caller)
    return caller.identity


def _check(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise ApiRefusedError(refusal)


def _last_tagged(versions: list[Tagged], found: Tagged) -> Refusal | None:
    others = any(one.tags for one in versions if one is not found)
    return apirules.LAST_TAGGED if found.tags and not others else None


def _accepted(request: Request) -> str:
    parts = request.url.path.split("/")
    if "statuses" in parts:
        return "repo, repo:status"
    if "workflows" in parts:
        return apirules.REPOSITORIES
    return apirules.accepted_scopes(request.method) if "packages" in parts else ""
