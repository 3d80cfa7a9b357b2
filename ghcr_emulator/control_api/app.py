"""The control port: clients set the emulator's state through it and read its access log.

Every request carries `Authorization: Bearer <secret>`. An error is `{"error": "<one sentence>"}`,
holds no token, and means that nothing was changed.
"""

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Final, TypeAlias

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ghcr_emulator.access_log.log import AccessLog, Query
from ghcr_emulator.control_api.schemas import TOKENS, Health, LogPage, OwnerBody
from ghcr_emulator.control_api.switch_routes import switch_routes
from ghcr_emulator.control_api.workflow_routes import workflow_routes
from ghcr_emulator.control_api.world_routes import world_routes
from ghcr_emulator.documents.json_body import read_json, read_union
from ghcr_emulator.documents.problems import DocumentError
from ghcr_emulator.faults.matching import Switches
from ghcr_emulator.protocol import names
from ghcr_emulator.registry_api import upstream_proxy as storage
from ghcr_emulator.state.accounts import Owner, Package
from ghcr_emulator.state.state import State, TokenTakenError
from ghcr_emulator.state.world_file import credential_row
from ghcr_emulator.state.world_schema import PackageBody

_NUMBER: Final = re.compile(r"\d{1,15}", re.ASCII)
_LONGEST_DOCUMENT: Final = 64 * 1024
_LOG_TEXTS: Final = ("identity", "credential", "token_kind", "repository", "digest")
_LOG_NUMBERS: Final = ("since", "status")

_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def create_control(
    state: State,
    log: AccessLog,
    secret: str,
    *,
    registry: httpx.AsyncClient | None = None,
    switches: Switches | None = None,
) -> Starlette:
    """Return the control application.

    `registry` is what create_app() calls storage, and `switches` are the emulator's. Where one of
    them is None, the routes that need it are missing.
    """
    control = _Control(state, log, registry)
    routes = [
        Route("/healthz", control.health, methods=["GET"]),
        Route("/log", control.read_log, methods=["GET"]),
        *_row("/credentials/{name}", control.put_credential, control.delete_credential),
        *_row("/owners/{owner}", control.put_owner, control.delete_owner),
        *_row("/packages/{owner}/{package:path}", control.put_package, control.delete_package),
        *world_routes(state),
        *workflow_routes(state.workflows),
        *(() if switches is None else switch_routes(switches)),
    ]
    if registry is not None:
        path = "/packages/{owner}/{package:path}/tags/{tag}"
        routes.insert(0, Route(path, control.delete_tag, methods=["DELETE"]))
    return Starlette(
        routes=routes,
        middleware=[Middleware(_Guard, secret=secret)],
        exception_handlers={
            DocumentError: _bad_request,
            HTTPException: _by_status,
            storage.UpstreamRefusedError: _refused_by_storage,
        },
        max_body_size=_LONGEST_DOCUMENT,
    )


def _row(path: str, put: _Endpoint, delete: _Endpoint) -> list[Route]:
    return [Route(path, put, methods=["PUT"]), Route(path, delete, methods=["DELETE"])]


class _Guard:
    """Middleware that answers 401 to every request without the secret."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app = app
        self._expected = f"Bearer {secret}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope.get("headers", ())).get(b"authorization", b"")
        if scope["type"] != "lifespan" and not hmac.compare_digest(given, self._expected):
            refusal = _error(401, "the control secret is missing or wrong")
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


class _Control:
    """The endpoints; each reads all of its request before it changes anything."""

    def __init__(self, state: State, log: AccessLog, registry: httpx.AsyncClient | None) -> None:
        self._state = state
        self._log = log
        self._registry = registry
        self._instance = secrets.token_hex(8)

    async def health(self, request: Request) -> Response:
        """Answer that the emulator is alive, with the id of this start: the state ends with it."""
        del request
        return JSONResponse(asdict(Health(ok=True, instance=self._instance)))

    async def put_credential(self, request: Request) -> Response:
        """Add or replace a credential."""
        name, token = _name(request, "name"), read_union(await request.body(), TOKENS, "token")
        credential = credential_row(name, token, token.token)
        try:
            self._state.put_credential(credential)
        except TokenTakenError:
            return _error(400, "'token' is that of another credential already")
        return _done()

    async def delete_credential(self, request: Request) -> Response:
        """Delete a credential."""
        return _deleted(found=self._state.drop_credential(request.path_params["name"]))

    async def put_owner(self, request: Request) -> Response:
        """Set the kind and rules of an owner, and who may create packages under it."""
        name, body = _owner(request), read_json(await request.body(), OwnerBody)
        owner = Owner(
            name=name,
            creators=frozenset(body.creators),
            login=body.login or name,
            organisation=body.organisation,
            sso_enforced=body.sso_enforced,
            classic_tokens_forbidden=body.classic_tokens_forbidden,
            members=frozenset(body.members),
            teams={team: frozenset(members) for team, members in body.teams.items()},
        )
        self._state.put_owner(owner)
        return _done()

    async def delete_owner(self, request: Request) -> Response:
        """Delete what was set for an owner."""
        return _deleted(found=self._state.drop_owner(request.path_params["owner"]))

    async def put_package(self, request: Request) -> Response:
        """Add or replace a package."""
        owner, name = _owner(request), request.path_params["package"]
        if not names.is_repository(f"{owner}/{name}"):
            raise DocumentError("'package' in the path must be a lower-case package name")
        body = read_json(await request.body(), PackageBody)
        package = Package(
            owner,
            name,
            body.visibility,
            frozenset(body.readers),
            frozenset(body.writers),
            frozenset(body.admins),
        )
        self._state.put_package(package)
        return _done()

    async def delete_package(self, request: Request) -> Response:
        """Delete a package: callers get the answer for a missing one.

        A new PUT restores its content.
        """
        return _deleted(found=self._state.drop_package(_repository(request)))

    async def delete_tag(self, request: Request) -> Response:
        """Delete one tag of a package."""
        repository, tag = _repository(request), request.path_params["tag"]
        fits = names.is_repository(repository) and names.is_tag(tag)
        if not fits or self._registry is None or self._state.package(repository) is None:
            return _deleted(found=False)
        await storage.delete_tag(self._registry, repository, tag)
        return _done()

    async def read_log(self, request: Request) -> Response:
        """Return the entries that match the query, and the `since` for the next request."""
        # Read first, so that no entry falls between this answer and the next.
        following = self._log.next
        entries = list(self._log.find(_log_query(request)))
        return JSONResponse(asdict(LogPage(entries, following)))


def _log_query(request: Request) -> Query:
    query = request.query_params
    for key in query:
        if key not in _LOG_TEXTS + _LOG_NUMBERS:
            raise DocumentError(f"unknown parameter {key[:40]!r}")
        if len(query.getlist(key)) > 1:
            raise DocumentError(f"{key!r} is there twice")
        if key in _LOG_NUMBERS and not _NUMBER.fullmatch(query[key]):
            raise DocumentError(f"{key!r} must be a whole number")
    return Query(
        since=int(query.get("since", "1")),
        identity=query.get("identity"),
        credential=query.get("credential"),
        token_kind=query.get("token_kind"),
        repository=query.get("repository"),
        digest=query.get("digest"),
        status=int(query["status"]) if "status" in query else None,
    )


def _name(request: Request, key: str) -> str:
    name = str(request.path_params[key])
    if not names.is_label(name):
        raise DocumentError(f"{key!r} in the path must be letters, digits, dots, dashes or _")
    return name


def _owner(request: Request) -> str:
    owner = str(request.path_params["owner"])
    if not names.is_owner(owner):
        raise DocumentError("'owner' in the path must be a lower-case owner name")
    return owner


def _repository(request: Request) -> str:
    return f"{request.path_params['owner']}/{request.path_params['package']}"


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)


def _done() -> Response:
    return Response(status_code=204)


def _deleted(*, found: bool) -> Response:
    return _done() if found else _error(404, "there is nothing of that name")


async def _bad_request(request: Request, error: Exception) -> Response:
    del request
    return _error(400, str(error))


async def _refused_by_storage(request: Request, error: Exception) -> Response:
    del request
    status = error.error.status if isinstance(error, storage.UpstreamRefusedError) else 502
    return _error(status, f"the registry says: {error}")


async def _by_status(request: Request, error: Exception) -> Response:
    del request
    if not isinstance(error, HTTPException):
        raise error
    return _error(error.status_code, error.detail)
