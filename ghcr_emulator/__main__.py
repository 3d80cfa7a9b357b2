"""Run the stand-in: `python3 -m ghcr_emulator --config /etc/ghcr`.

Exits 0 after SIGTERM or SIGINT, 1 if something died, 2 if it could not start.
"""

import argparse
import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import httpx

from ghcr_emulator.access_log.log import AccessLog
from ghcr_emulator.app import create_front
from ghcr_emulator.control_api.app import create_control
from ghcr_emulator.control_api.world_routes import install
from ghcr_emulator.faults.matching import Switches
from ghcr_emulator.faults.tls_listener import Door, tls
from ghcr_emulator.registry_api.blob_files import BlobFiles
from ghcr_emulator.registry_api.distribution import ChildError, running_registry
from ghcr_emulator.server.malloc import keep_freed_memory, take_large_pieces
from ghcr_emulator.server.uvicorn_server import listen, serve, unless
from ghcr_emulator.state.config import Config, ConfigError, read_config
from ghcr_emulator.state.state import State

_STOPPED: Final = 0
_DIED: Final = 1
_NOT_STARTED: Final = 2

# A large blob may keep either side busy for as long as it takes.
_TIMEOUT: Final = httpx.Timeout(None, connect=5.0)
_NO_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=20)

_log = logging.getLogger("pullrecovery.ghcr")


def main() -> int:
    """Read the command line and run until stopped; return the exit code."""
    parser = argparse.ArgumentParser(prog="ghcr_emulator", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("/etc/ghcr"), metavar="FOLDER")
    arguments = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s")
    # Its lines hold addresses with their queries.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    keep_freed_memory()
    take_large_pieces()
    try:
        return asyncio.run(_run(read_config(arguments.config)))
    except (ConfigError, ChildError, OSError) as error:
        _log.error("%s", error)  # one sentence, no traceback
        return _NOT_STARTED


async def _run(config: Config) -> int:
    settings = config.settings
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        front_socket = stack.enter_context(listen(settings.front_host, settings.front_port))
        control_socket = stack.enter_context(listen(settings.control_host, settings.control_port))
        storage = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{settings.registry_port}",
                timeout=_TIMEOUT,
                transport=BlobFiles(
                    httpx.AsyncHTTPTransport(limits=_NO_LIMITS, trust_env=False),
                    Path(settings.registry_root),
                ),
                trust_env=False,
            )
        )
        registry = await stack.enter_async_context(running_registry(settings, storage))
        state, log, switches = State(knobs=settings.knobs), AccessLog(), Switches()
        if config.world is not None:
            install(config.world, state)
        front = create_front(state, storage, log, switches)
        door = Door(front, front_socket, tls(config.certificate, config.key), switches)
        control = create_control(state, log, config.secret, registry=storage, switches=switches)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch(registry, stop))
            group.create_task(door.serve(stop))
            group.create_task(serve(control, control_socket, stop))
        return watching.result()


async def watch(registry: asyncio.subprocess.Process, stop: asyncio.Event) -> int:
    """Wait for the stop, or make one when the registry dies; return the exit code."""
    died = await unless(stop, asyncio.create_task(registry.wait()))
    if not died:
        return _STOPPED
    _log.error("the registry died, with %s", registry.returncode)
    stop.set()
    return _DIED


if __name__ == "__main__":
    sys.exit(main())
