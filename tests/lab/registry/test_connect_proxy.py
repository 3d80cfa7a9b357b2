"""The proxy by which one process reaches the loopback as ghcr.io: its routes and refusals."""

import asyncio

import pytest

from ghcr_emulator.connect_proxy import connect_proxy, destination


async def _echo(reader, writer):
    while line := await reader.readline():
        writer.write(b"heard " + line)
    writer.close()


def through_the_proxy(*sent, way="ghcr.io:443", nobody_there=False):
    """Return the bytes that came back for each of `sent`, and the proxy."""

    async def run():
        server = await asyncio.start_server(_echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        if nobody_there:
            server.close()
            await server.wait_closed()
        async with connect_proxy({way: port}) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            heard = []
            for chunk in sent:
                writer.write(chunk)
                ending = b"\r\n\r\n" if chunk.endswith(b"\r\n\r\n") else b"\n"
                heard.append(await reader.readuntil(ending))
            writer.write_eof()
            rest = await reader.read()
            writer.close()
            await writer.wait_closed()
        server.close()
        return heard, rest, proxy

    return asyncio.run(asyncio.wait_for(run(), 20))


def test_known_name_leads_to_its_port():
    """The proxy copies bytes in both directions, and closes both at the end."""
    heard, rest, proxy = through_the_proxy(
        b"CONNECT ghcr.io:443 HTTP/1.1\r\nHost: ghcr.io:443\r\n\r\n", b"hello\n", b"again\n"
    )

    assert heard[0].startswith(b"HTTP/1.1 200 ")
    assert heard[1:] == [b"heard hello\n", b"heard again\n"]
    assert rest == b""
    assert proxy.refused == []
    assert proxy.url == f"http://127.0.0.1:{proxy.port}"


@pytest.mark.parametrize(
    "line",
    [
        "CONNECT example.com:443 HTTP/1.1",
        "CONNECT ghcr.io:80 HTTP/1.1",
        "GET http://ghcr.io/v2/ HTTP/1.1",
    ],
    ids=["another host", "another port", "plain HTTP"],
)
def test_other_destination_is_refused(line):
    """A request to another host is an error of the run."""
    heard, _, proxy = through_the_proxy(f"{line}\r\nHost: x\r\n\r\n".encode())

    assert heard[0].startswith(b"HTTP/1.1 403 ")
    assert proxy.refused == [line]


def test_stopped_emulator_is_502():
    """A stopped emulator gives 502, and no hanging connection."""
    heard, _, proxy = through_the_proxy(b"CONNECT ghcr.io:443 HTTP/1.1\r\n\r\n", nobody_there=True)

    assert heard[0].startswith(b"HTTP/1.1 502 ")
    assert proxy.refused == []


def test_open_connection_ends_with_proxy():
    """Clients keep connections open, and the run does not wait for them."""

    async def run():
        server = await asyncio.start_server(_echo, "127.0.0.1", 0)
        ways = {"ghcr.io:443": server.sockets[0].getsockname()[1]}
        async with connect_proxy(ways) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(b"CONNECT ghcr.io:443 HTTP/1.1\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        server.close()
        return proxy._open

    assert asyncio.run(asyncio.wait_for(run(), 20)) == {}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("CONNECT ghcr.io:443 HTTP/1.1", "ghcr.io:443"),
        ("CONNECT GHCR.io:443 HTTP/1.0", "ghcr.io:443"),
        ("connect ghcr.io:443 HTTP/1.1", None),
        ("CONNECT ghcr.io:443", None),
        ("", None),
    ],
)
def test_destination_is_read_from_request(line, found):
    """Names are the same in any case; methods are not."""
    assert destination(line) == found
