"""HTTP servers on sockets of our own, in an event loop that others share."""

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
    """A server that leaves the process's signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises OSError with the address in it.

    Its connections send at once. asyncio would see to that by itself for a socket that it made.
    Without it an answer's head and body, which are two writes, are 40 ms apart.
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
    """Wait for a task to end, and return True, unless `stop` is set: then False, the task runs on.

    Raises nothing of the task's own.
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
    """Return a server of HTTP/1.1; who runs it says on which sockets.

    With a certificate and its key, PEM files, over TLS 1.2 or newer.
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
    """Serve until `stop` is set, then let open requests end for up to five seconds.

    Certificate and key as for create_server(); the front is served by a Door instead.
    """
    server = create_server(app, certificate, key)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    await unless(stop, running)
    server.should_exit = True
    await running
