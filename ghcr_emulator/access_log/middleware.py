"""The outermost layer of the emulator: it writes the access log and adds GHCR's headers."""

import secrets
import time
from datetime import UTC, datetime
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ghcr_emulator.access_log.log import AccessLog, Draft
from ghcr_emulator.auth.authentication import Caller
from ghcr_emulator.protocol.routes import Route, RouteTarget

_DRAFT: Final = "pullrecovery.ghcr.draft"
_LOG: Final = "pullrecovery.ghcr.log"
_WITHOUT_BODY: Final = frozenset({204, 304})
_NOT_THE_REGISTRY: Final = frozenset({Route.OTHER, Route.STORED_BLOB, Route.API})


class AccessLogMiddleware:
    """Middleware that adds one entry to the log for each request, however it ends."""

    def __init__(self, app: ASGIApp, log: AccessLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request and log it; pass other kinds of traffic on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(_begin(scope), self._log, send)
        scope[_DRAFT] = answer.draft
        scope[_LOG] = answer.log
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            pass  # the client has left; the entry has status 499
        except Exception:
            answer.failed()
            raise
        finally:
            answer.log()


class _Answer:
    """One answer on its way to the client.

    A client that has the whole answer must find it in the log, so the entry is written just before
    the last bytes are sent.
    """

    def __init__(self, draft: Draft, log: AccessLog, send: Send) -> None:
        self.draft = draft
        self._log = log
        self._send = send
        self._expected: int | None = None
        self._started = False
        self._logged = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start(message)
        elif message["type"] == "http.response.body":
            if self.draft.method == "HEAD":
                message["body"] = b""
            self.draft.bytes += len(message.get("body", b""))
            if not message.get("more_body", False):
                self.log()
        if self._expected is not None and self.draft.bytes >= self._expected:
            self.log()
        await self._send(message)

    def failed(self) -> None:
        """Note the status that the server sends for an error of the emulator itself."""
        if not self._started:
            self.draft.status = 500

    def log(self) -> None:
        """Write the entry of the request, once."""
        if not self._logged:
            self._logged = True
            self._log.add(self.draft)

    def _start(self, message: Message) -> None:
        self._started = True
        self.draft.status = message["status"]
        headers = MutableHeaders(scope=message)
        if self.draft.route is not Route.STORED_BLOB:
            headers["x-github-request-id"] = _request_id()
        if self.draft.route not in _NOT_THE_REGISTRY:
            headers["docker-distribution-api-version"] = "registry/2.0"
        length = headers.get("content-length")
        if self.draft.method == "HEAD" or message["status"] in _WITHOUT_BODY:
            self._expected = 0
        elif length is not None:
            self._expected = int(length)


def note_target(request: Request, target: RouteTarget) -> None:
    """Put the target of the path into the request's entry."""
    draft = _draft(request)
    draft.route = target.route
    draft.repository = target.repository or None
    draft.reference = target.reference if target.route is Route.MANIFEST else None
    draft.digest = target.digest


def note_caller(request: Request, caller: Caller) -> None:
    """Put the caller into the request's entry."""
    draft = _draft(request)
    draft.credential = caller.credential.name if caller.credential else None
    draft.token_kind = caller.credential.kind if caller.credential else None
    draft.identity = caller.identity.login if caller.identity else None


def note_leak(request: Request) -> None:
    """Note in the request's entry that a credential came where clients must not send one."""
    _draft(request).credential_leaked = True


def note_repository(request: Request, repository: str) -> None:
    """Put the repository that a token is requested for into the request's entry."""
    _draft(request).repository = repository


def note_digest(request: Request, digest: str) -> None:
    """Put the digest that was found, or uploaded, into the request's entry."""
    _draft(request).digest = digest


def noted(request: Request) -> Draft:
    """Return the request's entry as it is so far."""
    return _draft(request)


def conclude(request: Request, status: int | None = None) -> None:
    """Write the request's entry now, because no more of the answer will be sent."""
    if status is not None:
        _draft(request).status = status
    request.scope[_LOG]()


def _draft(request: Request) -> Draft:
    draft = request.scope[_DRAFT]
    if not isinstance(draft, Draft):
        raise TypeError(draft)
    return draft


def _begin(scope: Scope) -> Draft:
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    agent = Headers(scope=scope).get("user-agent")
    return Draft(time=now, method=scope["method"], user_agent=agent)


def _request_id() -> str:
    """Return an id in the form of GHCR's: `C559:34E8D2:158A23A:18442CA:672D5D0A`."""
    digits = (4, 6, 7, 7)
    parts = [secrets.token_hex(4)[:count].upper() for count in digits]
    return ":".join([*parts, f"{int(time.time()):08X}"])
