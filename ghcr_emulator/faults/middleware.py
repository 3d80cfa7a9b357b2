"""The layer between the access log and the application that applies fault switches.

A fault that replaces the answer is applied before the application runs, by the path and headers of
the request: a push that gets 503 has changed nothing. When the application begins to answer, every
switch is compared again with what was noted for the log, such as a digest that was found, or a
caller under another name than ghcr.io. The log has the status that the client received, and 444
where a switch broke the connection.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ghcr_emulator.access_log import middleware as recorder
from ghcr_emulator.auth import authentication as callers
from ghcr_emulator.auth.authentication import Caller, Standing
from ghcr_emulator.faults import body_transforms as altering
from ghcr_emulator.faults.answers import alters, answer
from ghcr_emulator.faults.delays import gone, hold
from ghcr_emulator.faults.kinds import (
    Answer,
    Break,
    Hang,
    Instead,
    Missing,
    Reset,
    Slow,
    Truncate,
    WrongBytes,
    WrongDigest,
)
from ghcr_emulator.faults.matching import ActiveSwitch, RequestFacts, Switches
from ghcr_emulator.protocol import errors, hosts, names
from ghcr_emulator.protocol import responses as replies
from ghcr_emulator.protocol import routes as paths
from ghcr_emulator.protocol.routes import Route, RouteTarget
from ghcr_emulator.server.connection import connection_of
from ghcr_emulator.state.state import State

_NO_ANSWER: Final = 444  # nginx's number for a connection closed without an answer

_DIGEST: Final = b"docker-content-digest"

_Reply: TypeAlias = Response | Break


class Switching:
    """The middleware for fault switches; `wanted` returns the repositories of a token's scopes."""

    def __init__(
        self,
        app: ASGIApp,
        switches: Switches,
        state: State,
        wanted: Callable[[list[str]], list[str]],
    ) -> None:
        self._app = app
        self._switches = switches
        self._state = state
        self._wanted = wanted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with the fault that is switched on for it."""
        if scope["type"] != "http" or not any(self._switches):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        switch = self._met(request)
        if switch is not None and isinstance(switch.fault, Answer | Break):
            await _answer(_instead(switch.fault, request.method), request, receive, send)
            return
        if switch is not None:
            held = await hold(switch, receive)
            if held is None:
                return  # the client has left
            receive = held
        await self._pass(request, receive, send)

    def _met(self, request: Request) -> ActiveSwitch | None:
        """Count and return the newest fitting switch if it is one that replaces the answer."""
        context = _look(request, self._state, self._wanted)
        switch = next(self._switches.fitting(context.asked(request.method)), None)
        if switch is None or not isinstance(switch.fault, Instead) or not switch.take():
            return None
        context.note(request)
        return switch

    async def _pass(self, request: Request, receive: Receive, send: Send) -> None:
        response = _FaultyResponse(request, send, self._switches)
        try:
            await self._app(request.scope, receive, response.send)
        except _InsteadError as instead:
            await _answer(instead.reply, request, receive, send)
        except _CutError:
            await gone(receive)


@dataclass(frozen=True, slots=True)
class _RequestContext:
    """The path and headers of a request, parsed as the application parses them."""

    target: RouteTarget
    caller: Caller
    repository: str | None

    def asked(self, method: str) -> RequestFacts:
        credential = self.caller.credential
        return RequestFacts(
            method,
            self.target.route,
            self.repository,
            frozenset({self.target.reference or None}),
            credential.name if credential else None,
        )

    def note(self, request: Request) -> None:
        recorder.note_target(request, self.target)
        recorder.note_caller(request, self.caller)
        if self.repository is not None:
            recorder.note_repository(request, self.repository)


def _look(
    request: Request, state: State, wanted: Callable[[list[str]], list[str]]
) -> _RequestContext:
    if request.url.hostname == hosts.BLOBS:
        return _look_at_stored_blob(request, state)
    target = paths.parse(request.scope["path"])
    authorization = request.headers.get("authorization")
    if target.route is not Route.TOKEN:
        caller = callers.at_registry(authorization, state)
        return _RequestContext(target, caller, target.repository or None)
    repositories = wanted(request.query_params.getlist("scope"))
    known = repositories and names.is_repository(repositories[0].lower())
    caller = callers.at_token_service(authorization, state)
    return _RequestContext(target, caller, repositories[0] if known else None)


def _look_at_stored_blob(request: Request, state: State) -> _RequestContext:
    """Return the context of a stored blob: its address names a credential and a repository."""
    link = state.links.open(request.url.path, dict(request.query_params))
    if link is None:
        return _RequestContext(RouteTarget(Route.STORED_BLOB), Caller(Standing.UNKNOWN), None)
    target = RouteTarget(Route.STORED_BLOB, link.repository, link.digest)
    standing = Standing.KNOWN if link.credential else Standing.ANYBODY
    return _RequestContext(target, Caller(standing, link.credential), link.repository)


class _InsteadError(Exception):
    """The application's answer is replaced with another one."""

    def __init__(self, reply: _Reply) -> None:
        super().__init__()
        self.reply = reply


class _CutError(Exception):
    """The answer ends in its middle, and the connection with it."""


def _instead(fault: Answer | Break, method: str) -> _Reply:
    return fault if isinstance(fault, Break) else answer(fault, method)


async def _answer(reply: _Reply, request: Request, receive: Receive, send: Send) -> None:
    if isinstance(reply, Response):
        await reply(request.scope, receive, send)
        return
    recorder.conclude(request, _NO_ANSWER)
    connection = connection_of(request.scope)
    if isinstance(reply, Reset):
        connection.reset()
    else:
        connection.cut()
    await gone(receive)


class _FaultyResponse:
    """The application's answer on its way to the client, and the switch that alters it."""

    def __init__(self, request: Request, send: Send, switches: Switches) -> None:
        self._request = request
        self._send = send
        self._switches = switches
        self._switch: ActiveSwitch | None = None
        self._left = 0
        self._wrong = altering.WrongByte()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._switch is not None and message["type"] == "http.response.body":
            await self._alter(self._switch, message)
        else:
            await self._send(message)

    async def _begin(self, message: Message) -> None:
        headers = dict(message["headers"])
        self._switch = self._meet(message["status"], headers)
        fault = self._switch.fault if self._switch else None
        if isinstance(fault, Truncate):
            self._left = int(headers[b"content-length"]) // 2
        elif isinstance(fault, WrongDigest):
            message["headers"] = [
                (name, altering.another_digest(value) if name == _DIGEST else value)
                for name, value in message["headers"]
            ]
        elif self._switch is not None and isinstance(fault, Hang | Slow):
            await self._switch.over(within=(fault.delay or 0) if isinstance(fault, Slow) else None)
        await self._send(message)

    def _meet(self, status: int, headers: dict[bytes, bytes]) -> ActiveSwitch | None:
        """Count and return the newest switch that applies to this answer.

        Raises _InsteadError where another answer replaces it.
        """
        draft = recorder.noted(self._request)
        for switch in self._switches.fitting(RequestFacts.noted(draft)):
            fault = switch.fault
            concerned = isinstance(fault, Instead) or alters(fault, draft, status, headers)
            if not concerned or not switch.take():
                continue
            if isinstance(fault, Answer | Break):
                raise _InsteadError(_instead(fault, draft.method))
            if isinstance(fault, Missing):
                raise _InsteadError(_missing(draft.route))
            return switch
        return None

    async def _alter(self, switch: ActiveSwitch, message: Message) -> None:
        fault, body, more = switch.fault, message.get("body", b""), message.get("more_body", False)
        if isinstance(fault, Slow) and self._request.method != "HEAD":
            async for piece in altering.paced(body, switch, fault):
                await self._pass_on(piece, more=True)
            body = b""
        elif isinstance(fault, WrongBytes):
            body = self._wrong.change(body, last=not more)
        elif isinstance(fault, Truncate):
            await self._cut(body)
            return
        await self._pass_on(body, more=more)

    async def _cut(self, body: bytes) -> None:
        await self._pass_on(body[: self._left], more=True)
        self._left -= len(body)
        if self._left <= 0:
            recorder.conclude(self._request)
            connection_of(self._request.scope).close()
            raise _CutError

    async def _pass_on(self, body: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


def _missing(route: Route) -> Response:
    unknown = errors.MANIFEST_UNKNOWN if route is Route.MANIFEST else errors.BLOB_UNKNOWN
    return replies.refuse(unknown)
