"""An HTTP proxy for CONNECT alone, which maps named hosts to ports of the loopback.

A client that uses it through HTTPS_PROXY keeps the true name in its URLs, its TLS and its
redirects, and reaches only the hosts in `ways`. The proxy refuses and records everything else.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

_LOOPBACK: Final = "127.0.0.1"
_HEAD_SECONDS: Final = 10.0
_CHUNK: Final = 256 * 1024
_WELL: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
_REFUSED: Final = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_UNREACHED: Final = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class ConnectProxy:
    """The running proxy: its port, and the first line of every request that it refused."""

    ways: Mapping[str, int]
    port: int = 0
    refused: list[str] = field(default_factory=list)
    _open: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The value for HTTPS_PROXY."""
        return f"http://{_LOOPBACK}:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection, and copy its bytes until either side ends."""
        task: asyncio.Task[None] | None = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served in a task of its own")
        self._open[task] = [writer]
        try:
            await self._answer(reader, writer, self._open[task])
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass  # the client left, or sent no HTTP, so there is no one to answer
        finally:
            for each in self._open.pop(task):
                each.close()

    async def close(self) -> None:
        """Break the connections that are still open."""
        open_now = dict(self._open)
        for writer in itertools.chain.from_iterable(open_now.values()):
            writer.transport.abort()
        await asyncio.gather(*open_now)

    async def _answer(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        opened: list[asyncio.StreamWriter],
    ) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_SECONDS)
        line = head.split(b"\r\n", 1)[0].decode("latin-1")
        port = self.ways.get(destination(line) or "")
        if port is None:
            self.refused.append(line)
            writer.write(_REFUSED)
            await writer.drain()
            return
        try:
            back, forth = await asyncio.open_connection(_LOOPBACK, port)
        except OSError:
            writer.write(_UNREACHED)
            await writer.drain()
            return
        opened.append(forth)
        writer.write(_WELL)
        await asyncio.gather(_carry(reader, forth), _carry(back, writer))


@asynccontextmanager
async def connect_proxy(ways: Mapping[str, int]) -> AsyncIterator[ConnectProxy]:
    """Run a proxy on a free port for the length of the block.

    `ways` maps `host:port`, as a client requests it, to a port of the loopback.
    """
    proxy = ConnectProxy(dict(ways))
    server = await asyncio.start_server(proxy.serve, _LOOPBACK, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()


def destination(line: str) -> str | None:
    """Return the `host:port` of a CONNECT request line, in lower case, or None for another line."""
    match line.split(" "):
        case ["CONNECT", target, version] if version.startswith("HTTP/1."):
            return target.lower()
        case _:
            return None


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy bytes to the end of `source`, and then end `sink` too."""
    while chunk := await source.read(_CHUNK):
        sink.write(chunk)
        await sink.drain()
    with contextlib.suppress(OSError):
        sink.write_eof()
