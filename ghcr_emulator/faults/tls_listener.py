"""The listening socket of port 443, whose TLS and connections fault switches can change.

uvicorn's own server has one certificate that cannot change. So connections are accepted here, and
each is passed to uvicorn with the TLS that the switches ask for at that moment. A change breaks
idle connections, because clients would go on using them. Answers under way end as usual, and their
connections with them.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp

from ghcr_emulator.faults.kinds import Certificate, PlainHttp, Refuse
from ghcr_emulator.faults.matching import ActiveSwitch, Switches
from ghcr_emulator.server.connection import Connection
from ghcr_emulator.server.uvicorn_server import create_server, listen, unless

_HANDSHAKE_SECONDS: Final = 60.0
# A client need not answer the close_notify of TLS.
_GOODBYE_SECONDS: Final = 2.0
_RETRY_SECONDS: Final = 1.0

_log = logging.getLogger("pullrecovery.ghcr")


def tls(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a server's context, for TLS 1.2 or newer, of a PEM chain and its key.

    Raises ssl.SSLError if the key does not belong to the certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


class TlsListener:
    """Serves an application over TLS, or as the fault switches say."""

    def __init__(
        self, app: ASGIApp, listener: socket.socket, usual: ssl.SSLContext, switches: Switches
    ) -> None:
        """Take over `listener`; `usual` is the TLS context without a switch."""
        self._server = create_server(app)
        self._address: tuple[str, int] = listener.getsockname()[:2]
        self._listener: socket.socket | None = listener
        self._usual = usual
        self._switches = switches
        self._shown: ActiveSwitch | None = None
        self._era = 0
        self._shut_for_good = False
        self._settling = asyncio.Lock()
        self._accepting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        switches.settle = self.settle

    async def serve(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then wait up to five seconds for open requests.

        Requests that a switch still holds are released then.
        """
        running = asyncio.create_task(self._server.serve(sockets=[]))
        try:
            await self.settle()
            await unless(stop, running)
        finally:
            self._shut_for_good = True
            self._switches.clear()
            await self.settle()
            self._server.should_exit = True
            await running

    async def settle(self) -> None:
        """Open or close the socket as the switches say; raises OSError if it cannot be opened."""
        async with self._settling:
            switch = self._switches.at_listener()
            if switch is not self._shown:
                self._shown = switch
                self._era += 1
                await self._send_idle_away()
            if self._shut_for_good or (switch and isinstance(switch.fault, Refuse)):
                await self._close()
            else:
                self._open()
            self._wake_after(switch.seconds_left if switch else None)

    async def _send_idle_away(self) -> None:
        # A request after the change cannot use a connection from before it.
        for connection in list(self._server.server_state.connections):
            if isinstance(connection, Connection):
                await connection.leave()

    def _open(self) -> None:
        if self._listener is None:
            self._listener = listen(*self._address)
        if self._accepting is None:
            self._listener.setblocking(False)
            self._accepting = asyncio.create_task(self._accept(self._listener))

    async def _close(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait({self._accepting})
            self._accepting = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self._shut_for_good:
            for task in self._tasks - {asyncio.current_task()}:
                task.cancel()

    def _wake_after(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None and not self._shut_for_good:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, lambda: self._start(self._settle_by_itself()))

    async def _settle_by_itself(self) -> None:
        try:
            await self.settle()
        except OSError as error:
            _log.error("%s; trying again", error)  # no traceback: the error is expected
            self._wake_after(_RETRY_SECONDS)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(listener)
            except OSError as error:
                # No file descriptors are left, or a client left the queue.
                _log.warning("cannot accept a connection: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self._start(self._greet(client, self._context(), self._era))

    def _context(self) -> ssl.SSLContext | None:
        """Return the TLS context of a new connection, None for no TLS; count a switch's hit."""
        switch = self._switches.at_listener()
        if switch is None or not switch.take():
            return self._usual
        if isinstance(switch.fault, Certificate):
            return switch.context
        return None if isinstance(switch.fault, PlainHttp) else self._usual

    async def _greet(self, client: socket.socket, context: ssl.SSLContext | None, era: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: Connection(self._server, welcome=lambda: era == self._era),
                client,
                ssl=context,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if context else None,
                ssl_shutdown_timeout=_GOODBYE_SECONDS if context else None,
            )
        except OSError as error:
            # Rejected certificates, scanners and resets are errors of the client.
            _log.debug("a connection did not come about: %s", error)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
