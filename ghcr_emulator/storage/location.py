"""The value of `--storage`: the location of the images, and the way to reach them.

| URL | storage |
|---|---|
| `file:///FOLDER` | files of the emulator itself, see files.py |
| `distribution:///BINARY?root=/FOLDER` | CNCF distribution, started here, over FOLDER |
| `http://HOST:PORT` | a running registry that needs no credential |

Without a URL the files are in a temporary directory, which is deleted with the process.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import httpx

from ghcr_emulator.storage.client import NO_LIMITS, answer_of, client_of
from ghcr_emulator.storage.distribution import running_registry
from ghcr_emulator.storage.errors import StorageError
from ghcr_emulator.storage.files import opened
from ghcr_emulator.storage.in_process import InProcess
from ghcr_emulator.storage.registry import Registry

FORMS: Final = "file:///FOLDER, distribution:///BINARY?root=/FOLDER or http://HOST:PORT"


@dataclass(frozen=True)
class Storage:
    """An open storage: the client that reaches it, and its process where one was started."""

    client: httpx.AsyncClient
    process: asyncio.subprocess.Process | None = None


@dataclass(frozen=True)
class Location:
    """A storage that can be opened; `keeps` says whether its images outlive this process."""

    open: "Callable[[], AbstractAsyncContextManager[Storage]]"
    keeps: bool


_Found: TypeAlias = AsyncIterator[Storage]


def parse_location(url: str | None) -> Location:
    """Parse the URL of a storage, None for a temporary directory; raises StorageError."""
    if url is None:
        return Location(_temporary_files, keeps=False)
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        address, path = f"{parts.scheme}://{parts.netloc}", Path(unquote(parts.path))
        port = parts.port
    except ValueError:
        raise _bad(url) from None
    alone = not parts.username and not parts.fragment
    local = alone and not parts.netloc and path.is_absolute()
    match parts.scheme, sorted(query):
        case "file", [] if local and path != Path("/"):
            return Location(lambda: _files(path), keeps=True)
        case "distribution", ["root"] if local and Path(query["root"][0]).is_absolute():
            return Location(lambda: _distribution(path, Path(query["root"][0])), keeps=True)
        case "http", [] if alone and parts.hostname and port and parts.path in ("", "/"):
            return Location(lambda: _running(address), keeps=True)
        case _:
            raise _bad(url)


def distribution_url(binary: Path, root: Path) -> str:
    """Return the URL of a distribution that is started from `binary`, with its files in `root`."""
    return f"distribution://{quote(str(binary.absolute()))}?{urlencode({'root': root.absolute()})}"


def _bad(url: str) -> StorageError:
    # The URL may hold a password before the @.
    shown = url if "@" not in url else url.partition(":")[0] + ":…"
    return StorageError(f"storage {shown!r}: must be {FORMS}")


@asynccontextmanager
async def _temporary_files() -> _Found:
    with tempfile.TemporaryDirectory(prefix="ghcr-storage-") as folder:
        async with _files(Path(folder)) as storage:
            yield storage


@asynccontextmanager
async def _files(root: Path) -> _Found:
    with opened(root) as files:
        async with client_of(InProcess(Registry(files))) as client:
            yield Storage(client)


@asynccontextmanager
async def _distribution(binary: Path, root: Path) -> _Found:
    async with running_registry(binary, root) as running:
        yield Storage(running.client, running.process)


@asynccontextmanager
async def _running(address: str) -> _Found:
    transport = httpx.AsyncHTTPTransport(limits=NO_LIMITS, trust_env=False)
    async with client_of(transport, address) as client:
        seen = await answer_of(client)
        if seen is not None:
            raise StorageError(f"storage {address}: no registry answers there: {seen}")
        yield Storage(client)
