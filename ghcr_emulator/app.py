"""The application on port 443: it answers as ghcr.io, with a plain registry behind it."""

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Host
from starlette.routing import Route as Path

from ghcr_emulator.access_log import middleware as recorder
from ghcr_emulator.access_log.log import AccessLog
from ghcr_emulator.auth import authentication as callers
from ghcr_emulator.auth import authorization as authorize
from ghcr_emulator.auth.authentication import Caller
from ghcr_emulator.faults.matching import Switches
from ghcr_emulator.faults.middleware import Switching
from ghcr_emulator.github_api.app import PackagesApi
from ghcr_emulator.protocol import errors, hosts, names
from ghcr_emulator.protocol import responses as replies
from ghcr_emulator.protocol import routes as paths
from ghcr_emulator.protocol.errors import ProtocolError
from ghcr_emulator.protocol.routes import Route, RouteTarget
from ghcr_emulator.registry_api.blob_host import BlobStore
from ghcr_emulator.registry_api.repositories import Repositories
from ghcr_emulator.state.state import State

_READS: Final = frozenset({"GET", "HEAD"})
_ANY_METHOD: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_LANDING: Final = "<!doctype html><title>GitHub Packages</title><h1>GitHub Packages</h1>\n"

_Handler: TypeAlias = Callable[[Request, RouteTarget, Caller], Awaitable[Response]]


def create_app(
    state: State, storage: httpx.AsyncClient, log: AccessLog, switches: Switches | None = None
) -> Starlette:
    """Return the application that answers as ghcr.io.

    `storage` has the registry's address as its base URL; the caller closes it. Every request gets
    one entry in `log`. `switches` are the fault switches.
    """
    table = Switches() if switches is None else switches
    app = _RegistryApp(state, storage)
    return Starlette(
        routes=[
            Host(hosts.BLOBS, BlobStore(state, storage)),
            Host(hosts.API, PackagesApi(state, storage)),
            Path("/", _land, methods=["GET"]),
            Path("/token", app.token, methods=_ANY_METHOD),
            Path("/{path:path}", app.registry, methods=_ANY_METHOD),
        ],
        middleware=[
            Middleware(recorder.AccessLogMiddleware, log=log),
            Middleware(Switching, switches=table, state=state, wanted=_repositories),
        ],
    )


async def _land(request: Request) -> Response:
    del request
    return HTMLResponse(_LANDING)


class _RegistryApp:
    """The token service and the registry API."""

    def __init__(self, state: State, storage: httpx.AsyncClient) -> None:
        self._state = state
        serve = Repositories(state, storage)
        self._handlers: dict[Route, _Handler] = {
            Route.PING: serve.ping,
            Route.CATALOG: serve.catalog,
            Route.TAGS: serve.list_tags,
            Route.MANIFEST: serve.manifest,
            Route.BLOB: serve.blob,
            Route.UPLOAD: serve.upload,
            Route.REFERRERS: serve.referrers,
        }

    async def token(self, request: Request) -> Response:
        """Answer a request for a bearer token."""
        recorder.note_target(request, paths.parse("/token"))
        caller = callers.at_token_service(request.headers.get("authorization"), self._state)
        recorder.note_caller(request, caller)
        if request.method not in _READS:
            # containerd asks by POST first, and repeats the request by GET on this status.
            return replies.refuse(errors.UNSUPPORTED)
        wanted = _repositories(request.query_params.getlist("scope"))
        if wanted and names.is_repository(wanted[0].lower()):
            recorder.note_repository(request, wanted[0])
        packages = [self._state.package(repository) for repository in wanted]
        refusal = authorize.token(caller, packages, self._state.assumptions)
        if refusal is not None:
            return replies.refuse(refusal)
        return replies.document({"token": self._issue(caller, wanted)})

    def _issue(self, caller: Caller, wanted: list[str]) -> str:
        if caller.identity is not None:
            return self._state.bearers.issue(caller.identity.fingerprint)
        return self._state.bearers.issue_anonymously(wanted[0], time.time_ns())

    async def registry(self, request: Request) -> Response:
        """Answer a request under /v2/, or for any path that has no other route."""
        target = paths.parse(request.scope["path"])
        recorder.note_target(request, target)
        caller = callers.at_registry(request.headers.get("authorization"), self._state)
        recorder.note_caller(request, caller)
        handler = self._handlers.get(target.route)
        if handler is None:
            return replies.not_found()
        refusal = self._judge(request.method, target, caller)
        if refusal is not None:
            return replies.refuse(refusal, _scope(request.method, target))
        return await handler(request, target, caller)

    def _judge(self, method: str, target: RouteTarget, caller: Caller) -> ProtocolError | None:
        assumptions, place = self._state.assumptions, self._state.place(target.repository)
        if method not in _methods(target):
            return authorize.enter(caller) or errors.UNSUPPORTED
        if target.route is Route.CATALOG:
            return authorize.catalog(caller, assumptions)
        if not target.repository:
            return authorize.account(caller)
        if _writes(method, target):
            return authorize.push(caller, place)
        return authorize.pull(caller, place, assumptions)


def _methods(target: RouteTarget) -> frozenset[str]:
    if target.route is Route.UPLOAD:
        return frozenset({"GET", "PATCH", "PUT"} if target.reference else {"POST"})
    return _READS | {"PUT"} if target.route is Route.MANIFEST else _READS


def _writes(method: str, target: RouteTarget) -> bool:
    return target.route is Route.UPLOAD or method not in _READS


def _scope(method: str, target: RouteTarget) -> str:
    if not target.repository:
        return replies.PLACEHOLDER
    actions = "pull,push" if _writes(method, target) else "pull"
    return f"repository:{target.repository}:{actions}"


def _repositories(scopes: list[str]) -> list[str]:
    """Return the repositories of `repository:NAME:ACTIONS` scopes; a text may hold several."""
    parts = [scope.split(":") for text in scopes for scope in text.split()]
    return [part[1] for part in parts if len(part) == 3 and part[0] == "repository"]
