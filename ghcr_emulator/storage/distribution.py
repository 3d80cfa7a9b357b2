"""CNCF distribution v3 as a storage: a child process on a Unix socket, without authentication."""

import asyncio
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from ghcr_emulator.storage.blob_files import BlobFiles
from ghcr_emulator.storage.client import NO_LIMITS, answer_of, client_of
from ghcr_emulator.storage.errors import StorageError

_READY_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.1


def registry_config(root: Path, http: Mapping[str, object]) -> dict[str, object]:
    """Return distribution's configuration: its root directory, and its address in `http`.

    Clients follow the emulator's addresses and not the registry's, so redirects are off and URLs
    relative. An index may name children that are missing: the lab pushes such indexes.
    """
    return {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(root)},
            "delete": {"enabled": True},
            "redirect": {"disable": True},
        },
        "http": {"relativeurls": True, "secret": secrets.token_hex(32), **http},
        "validation": {"manifests": {"indexes": {"platforms": "none"}}},
    }


@dataclass(frozen=True)
class RunningRegistry:
    """A running distribution that answers through `client`; `process` ends when it dies."""

    client: httpx.AsyncClient
    process: asyncio.subprocess.Process


@asynccontextmanager
async def running_registry(binary: Path, root: Path) -> AsyncIterator[RunningRegistry]:
    """Run distribution for the length of the block, and yield it when it answers.

    It has no authentication, so only this user can open its socket. Raises StorageError if it
    cannot be started, or does not answer within 30 seconds.
    """
    with tempfile.TemporaryDirectory(prefix="ghcr-registry-") as folder:
        address = Path(folder) / "socket"
        config = Path(folder) / "config.json"
        # JSON is YAML too; only this user can open the directory.
        http = {"net": "unix", "addr": str(address)}
        config.write_text(json.dumps(registry_config(root, http)))
        transport = httpx.AsyncHTTPTransport(uds=str(address), limits=NO_LIMITS, trust_env=False)
        async with client_of(BlobFiles(transport, root)) as client:
            process = await _start(binary, config)
            try:
                await _wait_until_it_answers(process, client)
                yield RunningRegistry(client, process)
            finally:
                await _stop(process)


async def _start(binary: Path, config: Path) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            binary,
            "serve",
            str(config),
            # Environment variables can override any key of the configuration, so it gets none of
            # this process.
            env={"PATH": os.defpath, "OTEL_TRACES_EXPORTER": "none"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr,  # stdout is the access log's
        )
    except OSError as error:
        raise StorageError(f"{binary} cannot be started: {error.strerror}") from error


async def _wait_until_it_answers(
    process: asyncio.subprocess.Process, storage: httpx.AsyncClient
) -> None:
    started = time.monotonic()
    while True:
        seen = await answer_of(storage)
        if process.returncode is not None:
            raise StorageError(f"the registry ended at once, with {process.returncode}")
        if seen is None:
            return
        spent = time.monotonic() - started
        if spent >= _READY_SECONDS:
            raise StorageError(f"the registry does not answer after {spent:.0f} s: {seen}")
        await asyncio.sleep(_LOOK_SECONDS)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
