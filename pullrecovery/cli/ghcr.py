"""The `ghcr` command runs the GHCR emulator without a cluster or a container engine."""

import argparse
from pathlib import Path
from typing import Any

from pullrecovery.common.errors import Exit, PullRecoveryError, UsageError


class EmulatorError(PullRecoveryError):
    """The GHCR emulator could not start, or its storage process died."""


def add_ghcr(commands: Any) -> None:
    """Add the `ghcr` command and its options."""
    command = commands.add_parser("ghcr", help="the GHCR emulator alone, until Ctrl-C")
    command.add_argument(
        "--accounts", type=Path, metavar="FILE", help="the world file to begin with"
    )
    words = (
        "where the images are: file:///FOLDER, distribution:///BINARY?root=/FOLDER or"
        " http://HOST:PORT; without it a temporary folder"
    )
    command.add_argument("--storage", metavar="URL", help=words)
    command.set_defaults(run=_serve, extra="ghcr")


def _serve(options: argparse.Namespace) -> int:
    # Imported here, because no other command loads the emulator.
    from ghcr_emulator.__main__ import prepare
    from ghcr_emulator.standalone import serve_standalone
    from ghcr_emulator.state.config import ConfigError
    from ghcr_emulator.storage.errors import StorageError
    from ghcr_emulator.storage.location import parse_location

    try:
        location = parse_location(options.storage)
    except StorageError as error:
        raise UsageError(f"--storage: {error}.") from error
    prepare()
    try:
        code = serve_standalone(options.accounts, location, lambda text: print(text, flush=True))
    except (ConfigError, StorageError) as error:
        raise EmulatorError(str(error)) from error
    if code:
        raise EmulatorError("The storage behind the GHCR emulator died.")
    print("stopped")
    return int(Exit.PASS)
