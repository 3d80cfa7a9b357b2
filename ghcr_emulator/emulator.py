"""The whole emulator in one event loop: its front, its control port, and the storage behind."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from ghcr_emulator.access_log.log import AccessLog
from ghcr_emulator.app import create_front
from ghcr_emulator.control_api.app import create_control
from ghcr_emulator.control_api.world_routes import install
from ghcr_emulator.faults.matching import Switches
from ghcr_emulator.faults.tls_listener import Door, tls
from ghcr_emulator.server.uvicorn_server import listen, serve, unless
from ghcr_emulator.state.config import Config
from ghcr_emulator.state.state import State
from ghcr_emulator.storage.location import Location, Storage

STOPPED: Final = 0
DIED: Final = 1

_log = logging.getLogger("pullrecovery.ghcr")


@dataclass(frozen=True)
class Emulator:
    """A running emulator: its ports, and the storage behind it."""

    https_port: int
    control_port: int
    storage: Storage


@asynccontextmanager
async def running_emulator(
    config: Config, location: Location, log: AccessLog
) -> AsyncIterator[Emulator]:
    """Serve for the length of the block, and then let open requests end for up to five seconds.

    Raises StorageError where the storage cannot be used, OSError where a port is taken.
    """
    settings = config.settings
    async with AsyncExitStack() as stack:
        front_socket = stack.enter_context(listen(settings.front_host, settings.front_port))
        control_socket = stack.enter_context(listen(settings.control_host, settings.control_port))
        storage = await stack.enter_async_context(location.open())
        state, switches = State(knobs=settings.knobs), Switches()
        if config.world is not None:
            install(config.world, state)
        ports = (front_socket.getsockname()[1], control_socket.getsockname()[1])
        front = create_front(state, storage.client, log, switches)
        door = Door(front, front_socket, tls(config.certificate, config.key), switches)
        control = create_control(
            state, log, config.secret, registry=storage.client, switches=switches
        )
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(door.serve(stop))
            group.create_task(serve(control, control_socket, stop))
            try:
                yield Emulator(*ports, storage)
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
