"""The registry behind the front, as a child process: CNCF distribution v3, without auth."""

import asyncio
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx

from ghcr_emulator.state.config import Settings

_READY_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.1


class ChildError(Exception):
    """The registry did not start, or died."""


def registry_config(settings: Settings) -> dict[str, object]:
    """Return distribution's configuration.

    Clients follow the front's addresses and not the registry's, so redirects are off and URLs
    relative. An index may name children that are not there: the lab pushes such ones.
    """
    return {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": settings.registry_root},
            "delete": {"enabled": True},
            "redirect": {"disable": True},
        },
        "http": {
            "addr": f"127.0.0.1:{settings.registry_port}",
            "relativeurls": True,
            "secret": secrets.token_hex(32),
        },
        "validation": {"manifests": {"indexes": {"platforms": "none"}}},
    }


@asynccontextmanager
async def running_registry(
    settings: Settings, storage: httpx.AsyncClient
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the registry for the length of the block, from when it answers.

    Raises ChildError if it cannot be started, or does not answer within 30 seconds.
    """
    with tempfile.TemporaryDirectory(prefix="ghcr-registry-") as folder:
        config = Path(folder) / "config.json"
        # JSON is YAML too; the folder is open to this user alone.
        config.write_text(json.dumps(registry_config(settings)))
        process = await _start(settings.registry_binary, config)
        try:
            await _wait_until_it_answers(process, storage)
            yield process
        finally:
            await _stop(process)


async def _start(binary: str, config: Path) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            binary,
            "serve",
            str(config),
            # Its variables can override any key of its configuration: it gets none of ours.
            env={"PATH": os.defpath, "OTEL_TRACES_EXPORTER": "none"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr,  # stdout is the access log's
        )
    except OSError as error:
        raise ChildError(f"{binary} cannot be started: {error.strerror}") from error


async def _wait_until_it_answers(
    process: asyncio.subprocess.Process, storage: httpx.AsyncClient
) -> None:
    started = time.monotonic()
    while True:
        seen = await _look(storage)
        if process.returncode is not None:
            raise ChildError(f"the registry ended at once, with {process.returncode}")
        if seen is None:
            return
        spent = time.monotonic() - started
        if spent >= _READY_SECONDS:
            raise ChildError(f"the registry does not answer after {spent:.0f} s: {seen}")
        await asyncio.sleep(_LOOK_SECONDS)


async def _look(storage: httpx.AsyncClient) -> str | None:
    """Ask the registry once; return None if it is well, or what was seen."""
    try:
        reply = await storage.get("/v2/", timeout=_READY_SECONDS)
    except httpx.TransportError as error:
        return repr(error)
    return None if reply.is_success else f"status {reply.status_code}"


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
