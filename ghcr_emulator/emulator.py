"""The whole emulator in one event loop: port 443, the control port and the storage."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

from ghcr_emulator.access_log.log import AccessLog
from ghcr_emulator.app import create_app
from ghcr_emulator.control_api.app import create_control
from ghcr_emulator.control_api.world_routes import install
from ghcr_emulator.faults.matching import Switches
from ghcr_emulator.faults.tls_listener import TlsListener, tls
from ghcr_emulator.server.uvicorn_server import listen, serve, unless
from ghcr_emulator.state.config import Config
from ghcr_emulator.state.state import State
from ghcr_emulator.storage.location import Location, Storage

STOPPED: Final = 0
DIED: Final = 1

_log = logging.getLogger("pullrecovery.ghcr")


@dataclass(frozen=True)
class Listeners:
    """The listening sockets of the application and of the control port."""

    app: socket.socket
    control: socket.socket

    @property
    def ports(self) -> tuple[int, int]:
        """The ports of the application and of the control port, in this order."""
        return self.app.getsockname()[1], self.control.getsockname()[1]


@contextmanager
def listening(app: tuple[str, int], control: tuple[str, int]) -> Iterator[Listeners]:
    """Listen on two addresses, where port 0 is any free one; raises OSError where one is taken."""
    with listen(*app) as registry_socket, listen(*control) as control_socket:
        yield Listeners(registry_socket, control_socket)


@asynccontextmanager
async def running_emulator(
    config: Config, location: Location, listeners: Listeners, log: AccessLog
) -> AsyncIterator[Storage]:
    """Serve for the length of the block, then wait up to five seconds for open requests.

    Yields the storage. Raises StorageError where the storage cannot be used.
    """
    async with location.open() as storage:
        state, switches = State(assumptions=config.settings.assumptions), Switches()
        if config.world is not None:
            install(config.world, state)
        app = create_app(state, storage.client, log, switches)
        tls_listener = TlsListener(
            app, listeners.app, tls(config.certificate, config.key), switches
        )
        control = create_control(
            state, log, config.secret, registry=storage.client, switches=switches
        )
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(tls_listener.serve(stop))
            group.create_task(serve(control, listeners.control, stop))
            try:
                yield storage
            finally:
                stop.set()


def stop_by_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set from now on."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def watch(storage: Storage, stop: asyncio.Event) -> int:
    """Wait for `stop`, or for the end of the storage's process; return the exit code."""
    if storage.process is None:
        await stop.wait()
        return STOPPED
    died = await unless(stop, asyncio.create_task(storage.process.wait()))
    if not died:
        return STOPPED
    _log.error("the registry died, with %s", storage.process.returncode)
    return DIED
