"""Blobs read from the registry's own files, after the registry has allowed the request.

HTTP splits a large layer into small pieces, which costs several times what the registry itself
does. The registry runs on the same machine, so only its permission goes over HTTP, and the body is
read from its files in large pieces.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Final

import httpx

_CHUNK: Final = 1024 * 1024
_BLOB: Final = re.compile(r"/v2/.+/blobs/sha256:([0-9a-f]{64})")


class BlobFiles(httpx.AsyncBaseTransport):
    """A transport to the registry that answers GET of a whole blob from the files below `root`.

    Every other request, and a blob whose file is not found, goes to the registry.
    """

    def __init__(self, registry: httpx.AsyncBaseTransport, root: Path) -> None:
        self._registry = registry
        self._root = root

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the registry does; raises httpx.TransportError where it does not."""
        file = self._file(request)
        if file is None:
            return await self._registry.handle_async_request(request)
        try:
            answer = await self._ask_alone(request)
        except BaseException:
            file.close()
            raise
        if answer.status_code != httpx.codes.OK:
            # The registry's refusal of a HEAD has no body, and the client needs one.
            file.close()
            return await self._registry.handle_async_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=_Pieces(file))

    async def aclose(self) -> None:
        """Close the connections to the registry."""
        await self._registry.aclose()

    async def _ask_alone(self, request: httpx.Request) -> httpx.Response:
        alone = httpx.Request(
            "HEAD", request.url, headers=request.headers, extensions=request.extensions
        )
        answer = await self._registry.handle_async_request(alone)
        await answer.aread()
        await answer.aclose()
        return answer

    def _file(self, request: httpx.Request) -> BinaryIO | None:
        blob = _BLOB.fullmatch(request.url.path)
        if blob is None or request.method != "GET" or "range" in request.headers:
            return None
        digest = blob[1]
        folder = self._root / "docker/registry/v2/blobs/sha256" / digest[:2] / digest
        try:
            return (folder / "data").open("rb", buffering=0)
        except OSError:
            return None


class _Pieces(httpx.AsyncByteStream):
    """The content of a file, which is closed at its end or when the client leaves."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await asyncio.to_thread(self._file.read, _CHUNK):
            yield piece

    async def aclose(self) -> None:
        self._file.close()
