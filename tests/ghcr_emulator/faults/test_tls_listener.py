"""Port 443 over real sockets: with a fault on, and as before after it."""

import asyncio
import datetime as dt
import json
import socket
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
import trustme

from ghcr_emulator.access_log.log import Query
from ghcr_emulator.faults.tls_listener import TlsListener, tls
from ghcr_emulator.server.uvicorn_server import listen
from tests.ghcr_emulator.conftest import OCI_MANIFEST, SECRET, manifest, until

MANIFEST = "/v2/bytequester/open/manifests/v1"
CONTENT = manifest("open")
PING = "/v2/"
YESTERDAY = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _blobs_come_at_once(ghcr):
    """Serve blobs in one answer; test_blob_redirects.py and test_fault_switches.py redirect."""
    ghcr.control("PUT", "/assumptions", {"blobs": "inline"})


@pytest.fixture(name="authority", scope="module")
def _authority():
    return trustme.CA()


@pytest.fixture(name="files")
def _files(authority, tmp_path):
    pair = authority.issue_cert("ghcr.io")
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    certificate.write_bytes(b"".join(pem.bytes() for pem in pair.cert_chain_pems))
    pair.private_key_pem.write_to_path(key)
    return certificate, key


@dataclass
class Street:
    """The emulator behind its TLS listener, a client with the lab's CA, and the control port."""

    ghcr: object
    port: int
    client: httpx.Client
    streams: httpx.AsyncClient
    _control: httpx.AsyncClient
    authority: trustme.CA
    stop: asyncio.Event

    async def get(self, path=PING, *, headers=None, scheme="https"):
        """Request a path on a persistent connection."""
        return await asyncio.to_thread(
            self.client.get,
            f"{scheme}://127.0.0.1:{self.port}{path}",
            headers=headers,
            extensions={"sni_hostname": "ghcr.io"},
        )

    def ask(self, path=PING, **asked):
        """Yield an unread answer, from a client in its own event loop."""
        address = f"https://127.0.0.1:{self.port}{path}"
        return self.streams.stream("GET", address, extensions={"sni_hostname": "ghcr.io"}, **asked)

    async def control(self, method, path, **content):
        """Send a change to the control port."""
        answer = await self._control.request(method, f"http://control{path}", json=content)
        assert answer.status_code == 204, answer.text

    async def rows(self):
        """Return the switches of the control port, by name."""
        listed = (await self._control.get("http://control/switches")).json()["switches"]
        return {row["name"]: row for row in listed}

    def certificate(self, authority=None, name="ghcr.io", **issued):
        """Return a certificate and its key in the form of the control port."""
        pair = (authority or self.authority).issue_cert(name, **issued)
        chain = "".join(pem.bytes().decode() for pem in pair.cert_chain_pems)
        return {"certificate": chain, "key": pair.private_key_pem.bytes().decode()}


@asynccontextmanager
async def street(ghcr, files, authority):
    """Serve the emulator for the length of the block."""
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    stop = asyncio.Event()
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    tls_listener = TlsListener(ghcr.emulator, listener, tls(*files), ghcr.switches)
    serving = asyncio.create_task(tls_listener.serve(stop))
    given = {"Authorization": f"Bearer {SECRET}"}
    control = httpx.ASGITransport(ghcr.control_app)
    try:
        # The client in a thread checks its idle connection before it uses it, as Go's does.
        client = httpx.Client(verify=trust, trust_env=False, timeout=5)
        async with (
            httpx.AsyncClient(verify=trust, trust_env=False, timeout=5) as streams,
            httpx.AsyncClient(transport=control, headers=given) as controller,
        ):
            with client:
                yield Street(ghcr, port, client, streams, controller, authority, stop)
    finally:
        stop.set()
        await serving


@pytest.fixture(name="play")
def _play(ghcr, files, authority):
    """Return a function that runs a scene with the emulator and returns its result."""

    def play(scene):
        async def run():
            async with street(ghcr, files, authority) as place:
                return await scene(place)

        return asyncio.run(run())

    return play


async def fails(place, expected, *, error=httpx.ConnectError, **asked):
    """Send a request, and check that the client reports the expected error."""
    with pytest.raises(error, match=expected):
        await place.get(**asked)


CERTIFICATES = {
    "another name": (
        lambda place: place.certificate(name="registry.example"),
        r"Hostname mismatch, certificate is not valid for 'ghcr\.io'",
    ),
    "expired": (lambda place: place.certificate(not_after=YESTERDAY), "certificate has expired"),
    "unknown CA": (
        lambda place: place.certificate(trustme.CA()),
        "unable to get local issuer certificate",
    ),
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_other_certificate_ends_with_switch(play, case):
    """A client with an older connection meets it too, because the connection breaks."""
    made, said = CERTIFICATES[case]

    async def scene(place):
        before = (await place.get()).status_code
        await place.control("PUT", "/switches/c", kind="certificate", **made(place))
        await fails(place, said)
        row = (await place.rows())["c"]
        await place.control("DELETE", "/switches/c")
        return before, row, (await place.get()).status_code

    before, row, after = play(scene)

    assert before == after == 401
    assert (row["kind"], row["hits"], row["active"]) == ("certificate", 1, True)
    assert "certificate" not in row
    assert "key" not in row


def test_tls_client_gets_plain_http(play):
    """The answer begins with HTTP, which Go's clients name in their error."""

    async def scene(place):
        await place.get()
        await place.control("PUT", "/switches/p", kind="plain-http")
        await fails(place, "(?i)wrong.version.number|packet length|http request|record layer")
        plain = (await place.get(scheme="http")).status_code
        first = await spoken(place.port, b"\x16\x03\x01\x00\x02\x00\x00\r\n\r\n")
        await place.control("DELETE", "/switches/p")
        return plain, first, (await place.get()).status_code

    plain, first, after = play(scene)

    assert plain == after == 401
    assert first.startswith(b"HTTP/1.1 400 ")


async def spoken(port, words):
    """Send some bytes, and return what comes back before the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def test_connection_is_refused_for_a_time(play):
    """A refused connection is not counted, because the kernel refuses it."""

    async def scene(place):
        await place.get()
        await place.control("PUT", "/switches/r", kind="refuse")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", place.port)
        await fails(place, "Connection refused")
        hits = (await place.rows())["r"]["hits"]
        await place.control("DELETE", "/switches")
        return hits, (await place.get()).status_code

    assert play(scene) == (None, 401)


def test_listener_reopens_after_time(play):
    """The port opens again on its own after `seconds`."""

    async def scene(place):
        await place.control("PUT", "/switches/r", kind="refuse", seconds=1)
        await fails(place, "Connection refused")
        await until("the switch is over", lambda: not any(s.active for s in place.ghcr.switches))
        await until("the port is open", lambda: answers(place.port))
        return (await place.get()).status_code

    assert play(scene) == 401


def answers(port):
    """Return whether the port accepts connections."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_certificate_covers_counted_connections(play):
    """Two connections meet the certificate, the third does not, and the entry shows two hits."""

    async def scene(place):
        wrong = place.certificate(trustme.CA())
        await place.control("PUT", "/switches/c", kind="certificate", count=2, **wrong)
        for _ in range(2):
            await fails(place, "CERTIFICATE_VERIFY_FAILED")
        status = (await place.get()).status_code
        return status, (await place.rows())["c"]

    status, row = play(scene)

    assert status == 401
    assert (row["hits"], row["count_left"], row["active"]) == (2, 0, False)


def test_newest_switch_wins(play):
    """The newest switch applies, as the inner one of two context managers."""

    async def scene(place):
        await place.control("PUT", "/switches/r", kind="refuse")
        await place.control(
            "PUT", "/switches/c", kind="certificate", **place.certificate(trustme.CA())
        )
        await fails(place, "CERTIFICATE_VERIFY_FAILED")
        await place.control("DELETE", "/switches/c")
        await fails(place, "Connection refused")
        await place.control("DELETE", "/switches/r")
        return (await place.get()).status_code

    assert play(scene) == 401


def test_answer_under_way_comes_to_its_end(play):
    """A change breaks idle connections, but not an answer under way."""

    async def scene(place):
        await place.control("PUT", "/switches/h", kind="hang")
        asked = asyncio.create_task(place.get())
        await until("the request hangs", lambda: hits(place.ghcr, "h"))
        await place.control("PUT", "/switches/r", kind="refuse")
        await place.control("DELETE", "/switches/h")
        status = (await asked).status_code
        await fails(place, "Connection refused")
        return status

    assert play(scene) == 401


def hits(ghcr, name):
    """Return the number of a switch's hits."""
    return next(switch.hits for switch in ghcr.switches if switch.name == name)


@pytest.mark.parametrize("kind", ["close", "reset"])
def test_connection_ends_without_an_answer(play, kind):
    """The log has 444, and the next request is answered; Python's TLS reports both alike."""

    async def scene(place):
        await place.control("PUT", "/switches/b", kind=kind, count=1)
        said = "Server disconnected without sending a response"
        await fails(place, said, error=httpx.RemoteProtocolError)
        logged = place.ghcr.last_entry()
        return logged.status, logged.route, (await place.get()).status_code

    assert play(scene) == (444, "ping", 401)


def test_reset_is_one(play):
    """A client below TLS sees a reset connection and a closed one as different."""

    async def scene(place):
        await place.control("PUT", "/switches/p", kind="plain-http")
        seen = []
        for kind in ("close", "reset"):
            await place.control("PUT", "/switches/b", kind=kind)
            try:
                seen.append(await spoken(place.port, b"GET /v2/ HTTP/1.1\r\nHost: ghcr.io\r\n\r\n"))
            except ConnectionResetError as error:
                seen.append(type(error))
        return seen

    assert play(scene) == [b"", ConnectionResetError]


def test_content_is_cut_in_its_middle(play):
    """The length is that of the whole; half of it comes, and the log has that number of bytes."""

    async def scene(place):
        bearer = place.ghcr.state.bearers.issue_anonymously("bytequester/open", 1)
        given = {"Authorization": f"Bearer {bearer}", "Accept": OCI_MANIFEST}
        await place.control("PUT", "/switches/t", kind="truncate", route="manifest")
        seen = []
        with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
            await read(place.ask(MANIFEST, headers=given), seen)
        logged = place.ghcr.last_entry()
        await place.control("DELETE", "/switches/t")
        return seen, logged, (await place.get(MANIFEST, headers=given)).content

    (head, *parts), logged, whole = play(scene)

    assert head == (200, len(CONTENT))
    assert b"".join(parts) == CONTENT[: len(CONTENT) // 2]
    assert (logged.status, logged.bytes) == (200, len(CONTENT) // 2)
    assert whole == CONTENT


async def read(asked, seen):
    """Record the head of an answer, and each part of its body as it comes."""
    async with asked as answer:
        seen.append((answer.status_code, int(answer.headers["content-length"])))
        async for part in answer.aiter_raw():
            seen.append(part)  # bytes before an error count


def test_client_leaving_hang_is_logged(play):
    """The log has 499 before the switch is dropped."""

    async def scene(place):
        await place.control("PUT", "/switches/h", kind="hang")
        with pytest.raises(httpx.ReadTimeout):
            async with place.ask(timeout=httpx.Timeout(5, read=0.2)):
                pytest.fail("it cannot have been answered")
        await until("it is logged", lambda: list(place.ghcr.log.find(Query())))
        return place.ghcr.last_entry().status

    assert play(scene) == 499


def test_hanging_request_does_not_block_exit(ghcr, files, authority):
    """At the stop a held request is released and answered."""

    async def run():
        async with street(ghcr, files, authority) as place:
            await place.control("PUT", "/switches/h", kind="hang")
            asked = asyncio.create_task(place.get())
            await until("the request hangs", lambda: hits(ghcr, "h"))
            place.stop.set()
            return (await asked).status_code

    started = time.monotonic()
    assert asyncio.run(run()) == 401
    assert time.monotonic() - started < 4


def test_many_connections_at_once_are_all_met(play):
    """No connection is lost between the socket and the server."""

    async def scene(place):
        async def status():
            async with place.ask() as answer:
                return answer.status_code

        return await asyncio.gather(*(status() for _ in range(100)))

    assert play(scene) == [401] * 100


def test_certificate_key_is_never_shown(play):
    """The key is neither in the entries nor in the repr that a traceback prints."""

    async def scene(place):
        pair = place.certificate()
        await place.control("PUT", "/switches/c", kind="certificate", **pair)
        return pair, json.dumps(await place.rows()), repr(list(place.ghcr.switches))

    pair, rows, printed = play(scene)

    for text in (rows, printed):
        assert "PRIVATE KEY" not in text
        assert pair["key"] not in text
