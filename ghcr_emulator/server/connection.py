"""uvicorn's connection, which can also be broken off, and which applications can get hold of."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_CONNECTION: Final = "pullrecovery.ghcr.connection"
# struct linger: on, for 0 seconds. A close is a reset then.
_RESET: Final = struct.pack("ii", 1, 0)


class Connection(H11Protocol):
    """One connection of a server's; `welcome` says, once it is made, whether it still may be."""

    def __init__(self, server: uvicorn.Server, welcome: Callable[[], bool]) -> None:
        # The state is the one part of a request's scope that a server may add to.
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
        """Close it when what was written is sent."""
        self.transport.close()

    def cut(self) -> None:
        """Close it now, as a process that dies does: without TLS's own good-bye."""
        self._abort()

    def reset(self) -> None:
        """Reset it."""
        self.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _RESET
        )
        self._abort()

    def _abort(self) -> None:
        # Closed by both ends at a time, TLS's transport has let go of what it would abort (Python
        # 3.11). It is lost all the same, as soon as its good-bye is answered or too late.
        if not (self._over_tls and self.transport.is_closing()):
            self.transport.abort()

    async def leave(self) -> None:
        """Cut it if it is idle, and let it end with the answer that is under way if it is not."""
        # Before the first request there is none, whatever its type says.
        if self.cycle is None or self.cycle.response_complete:
            self.cut()
            await self.lost.wait()
        else:
            self.cycle.keep_alive = False


def connection_of(scope: Scope) -> Connection:
    """Return the connection that a request came by."""
    connection: Connection = scope["state"][_CONNECTION]
    return connection
