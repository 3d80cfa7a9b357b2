"""Run a private ghcr.io: `python -m ghcr_emulator` serves one shell until Ctrl-C.

It prints how to use it. With --config it reads its configuration from a directory, as the container
does. Exits 0 after SIGTERM or SIGINT, 1 if the storage process ends, 2 if it could not start.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ghcr_emulator.access_log.log import AccessLog
from ghcr_emulator.emulator import listening, running_emulator, stop_by_signal, watch
from ghcr_emulator.server.malloc import keep_freed_memory, take_large_pieces
from ghcr_emulator.state.config import Config, ConfigError, read_config
from ghcr_emulator.storage.errors import StorageError
from ghcr_emulator.storage.location import FORMS, Location, parse_location

_NOT_STARTED: Final = 2

_log = logging.getLogger("pullrecovery.ghcr")


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line and run until stopped; return the exit code."""
    options = _parser().parse_args(argv)
    prepare()
    try:
        location = parse_location(options.storage)
        if options.config is None:
            # This import needs trustme, which the container does not install.
            from ghcr_emulator.standalone import serve_standalone  # noqa: PLC0415

            return serve_standalone(
                options.accounts, location, lambda text: print(text, flush=True)
            )
        return asyncio.run(_serve(read_config(options.config), location))
    except (ConfigError, StorageError, OSError) as error:
        _log.error("%s", error)  # one sentence, no traceback
        return _NOT_STARTED


def prepare() -> None:
    """Set up what the process has once: the log on stderr, and the memory allocator."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s")
    # httpx logs addresses with their queries.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    keep_freed_memory()
    take_large_pieces()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ghcr_emulator", description=__doc__)
    parser.add_argument(
        "--storage", metavar="URL", help=f"{FORMS}; without it a temporary folder has the images"
    )
    world = parser.add_mutually_exclusive_group()
    world.add_argument(
        "--config", type=Path, metavar="FOLDER", help="certificates, secret, accounts"
    )
    world.add_argument("--accounts", type=Path, metavar="FILE", help="the world file to begin with")
    return parser


async def _serve(config: Config, location: Location) -> int:
    stop, settings = stop_by_signal(), config.settings
    app = (settings.registry_host, settings.registry_port_tls)
    control = (settings.control_host, settings.control_port)
    with listening(app, control) as listeners:
        async with running_emulator(config, location, listeners, AccessLog()) as storage:
            return await watch(storage, stop)


if __name__ == "__main__":
    sys.exit(main())
