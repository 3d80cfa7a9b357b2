"""HTTP servers on given sockets, in an event loop that is shared."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import uvicorn
from starlette.types import ASGIApp

T = TypeVar("T")

_DRAIN_SECONDS: Final = 5
# Go's clients keep idle connections for 90 seconds, and cannot repeat a push that meets a close.
_KEEP_ALIVE_SECONDS: Final = 120


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to its caller."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises OSError with the address in it.

    Its connections send without delay. asyncio sets that only for sockets that it creates. Without
    it the head and body of an answer, which are two writes, arrive 40 ms apart.
    """
    try:
        listener = socket.create_server((host, port), backlog=1024)
    except OSError as error:
        # The error's own text repeats the address.
        reason = os.strerror(error.errno or 0)
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {reason}") from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def unless(stop: asyncio.Event, task: asyncio.Task[T]) -> bool:
    """Wait for a task to end, and return True; if `stop` is set first, return False.

    The task goes on after a stop. Its exceptions are not raised.
    """
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    return not stop.is_set()


def create_server(
    app: ASGIApp, certificate: Path | None = None, key: Path | None = None
) -> uvicorn.Server:
    """Create a server of HTTP/1.1; its caller provides the sockets.

    `certificate` and `key` are PEM files, for TLS 1.2 or newer; without them it is plain HTTP.
    """
    return _Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
    )


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
) -> None:
    """Serve until `stop` is set, then wait up to five seconds for open requests.

    `certificate` and `key` are those of create_server(). TlsListener serves port 443 instead.
    """
    server = create_server(app, certificate, key)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    await unless(stop, running)
    server.should_exit = True
    await running
