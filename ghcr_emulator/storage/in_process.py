"""An httpx transport to an ASGI application of this process, which streams bodies.

httpx.ASGITransport buffers the whole body of an answer before it returns the first byte.
"""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any, TypeAlias

import httpx
from starlette.types import ASGIApp

_Message: TypeAlias = MutableMapping[str, Any]


class InProcess(httpx.AsyncBaseTransport):
    """A transport that calls `app` for each request, without a socket."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the application does, and raise what it raises before its answer."""
        exchange = _Exchange(self._app, request)
        try:
            start = await exchange.message()
        except BaseException:
            await exchange.abandon()
            raise
        return httpx.Response(start["status"], headers=start["headers"], stream=exchange)


class _Exchange(httpx.AsyncByteStream):
    """One request in a task of its own, which is at most one message ahead of its reader."""

    def __init__(self, app: ASGIApp, request: httpx.Request) -> None:
        if not isinstance(request.stream, httpx.AsyncByteStream):
            raise TypeError("a body that cannot be read asynchronously")
        self._body = aiter(request.stream)
        self._has_body = request.method != "HEAD"
        self._messages: asyncio.Queue[_Message | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(1)
        self._left = False
        self._task = asyncio.ensure_future(self._run(app, _scope(request)))
        self._task.add_done_callback(lambda _: self._messages.put_nowait(None))

    async def message(self) -> _Message:
        """Return the application's next message; raises what the application raised."""
        message = await self._messages.get()
        if message is None:
            await self._task
            raise httpx.RemoteProtocolError("the storage ended its answer too early")
        self._room.release()
        return message

    async def __aiter__(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self.message()
            more = message.get("more_body", False)
            if self._has_body and message.get("body"):
                yield message["body"]

    async def aclose(self) -> None:
        """Read no more, and wait until the application has released what it read from."""
        self._left = True
        self._room.release()
        await self._end()

    async def abandon(self) -> None:
        """Cancel the application, which may be waiting for the rest of the request."""
        self._task.cancel()
        await self._end()

    async def _end(self) -> None:
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.exception()  # its exception was raised to the reader, or there is no reader

    async def _run(self, app: ASGIApp, scope: _Message) -> None:
        await app(scope, self._receive, self._send)

    async def _receive(self) -> _Message:
        async for piece in self._body:
            if piece:
                return {"type": "http.request", "body": piece, "more_body": True}
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: _Message) -> None:
        await self._room.acquire()
        if self._left:
            raise OSError("the reader has left")  # as ASGI specifies from version 2.4 on
        self._messages.put_nowait(message)


def _scope(request: httpx.Request) -> _Message:
    return {
        "type": "http",
        # From ASGI 2.4 on an application need not wait for the client to leave while it sends.
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (request.url.host, request.url.port),
        "client": None,
    }
