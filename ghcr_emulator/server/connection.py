"""uvicorn's connection with a reset and a cut, which applications can reach."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_CONNECTION: Final = "pullrecovery.ghcr.connection"
# struct linger: on, for 0 seconds. A close then sends a reset.
_RESET: Final = struct.pack("ii", 1, 0)


class Connection(H11Protocol):
    """One connection of a server; `welcome()` says whether a new connection may stay."""

    def __init__(self, server: uvicorn.Server, welcome: Callable[[], bool]) -> None:
        # A server may add only to the state of a request's scope.
        super().__init__(server.config, server.server_state, {_CONNECTION: self})
        self._welcome = welcome
        self.lost = asyncio.Event()
        self._over_tls = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._over_tls = transport.get_extra_info("sslcontext") is not None
        if not self._welcome():
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()

    def close(self) -> None:
        """Close the connection when all data are sent."""
        self.transport.close()

    def cut(self) -> None:
        """Close the connection now, without TLS's close_notify, as when a process dies."""
        self._abort()

    def reset(self) -> None:
        """Reset the connection."""
        self.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _RESET
        )
        self._abort()

    def _abort(self) -> None:
        # When both ends close at the same time, TLS's transport has dropped the transport that it
        # would abort (Python 3.11). The connection ends all the same, when its close_notify is
        # answered or times out.
        if not (self._over_tls and self.transport.is_closing()):
            self.transport.abort()

    async def leave(self) -> None:
        """Cut the connection if it is idle; if not, close it after the current answer."""
        # Before the first request this is None, whatever its type says.
        if self.cycle is None or self.cycle.response_complete:
            self.cut()
            await self.lost.wait()
        else:
            self.cycle.keep_alive = False


def connection_of(scope: Scope) -> Connection:
    """Return the connection of a request."""
    connection: Connection = scope["state"][_CONNECTION]
    return connection
