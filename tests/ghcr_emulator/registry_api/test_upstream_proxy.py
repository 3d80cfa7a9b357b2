"""The proxy to the registry: bodies are streamed, and a broken registry is an error."""

import asyncio
import hashlib

import httpx
import pytest

from ghcr_emulator.access_log.log import AccessLog, Query
from ghcr_emulator.app import create_app
from ghcr_emulator.state.accounts import Package, PackageVisibility
from ghcr_emulator.state.assumptions import Assumptions
from ghcr_emulator.state.state import State

DIGEST = "sha256:" + hashlib.sha256(b"").hexdigest()
PATH = f"/v2/bytequester/open/blobs/{DIGEST}"


class Parts(httpx.AsyncByteStream):
    """A body that records when each part is requested, and when it is closed."""

    def __init__(self, events, parts):
        """Take the parts; an exception among them is raised instead of returned."""
        self.events = events
        self.parts = parts

    async def __aiter__(self):
        """Yield one part at a time."""
        for part in self.parts:
            self.events.append(f"read {part!r}")
            if isinstance(part, Exception):
                raise part
            yield part

    async def aclose(self):
        """Record the end."""
        self.events.append("closed")


class Upstream(httpx.AsyncBaseTransport):
    """A registry that always answers with the same parts; it reads uploads part by part."""

    def __init__(self, events, *parts, headers=()):
        """Take the parts; an exception as the first part means that the registry is down."""
        self.events = events
        self.parts = parts
        self.headers = headers
        self.requests = []

    async def handle_async_request(self, request):
        """Read the request's body, then answer."""
        self.requests.append(request)
        if isinstance(self.parts[0], Exception):
            raise self.parts[0]
        async for part in request.stream:
            if part:
                self.events.append(f"took {part!r}")
        return httpx.Response(200, headers=self.headers, stream=Parts(self.events, self.parts))


def exchange(upstream, *, headers=(), body=(), log=None):
    """Send one GET straight to the application; return the messages it sent."""
    events = upstream.events
    messages, incoming = [], list(body)
    state = State(assumptions=Assumptions(blobs="inline"))
    state.put_package(Package("bytequester", "open", PackageVisibility.PUBLIC))
    token = state.bearers.issue_anonymously("bytequester/open", 1)
    given = [(b"authorization", f"Bearer {token}".encode()), *headers]

    async def receive():
        if not incoming:
            await asyncio.Event().wait()
        part = incoming.pop(0)
        events.append(f"sent {part!r}")
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(incoming)}

    async def send(message):
        messages.append(message)
        if message.get("body"):
            events.append(f"got {message['body']!r}")

    async def run():
        storage = httpx.AsyncClient(transport=upstream, base_url="http://storage")
        async with storage:
            emulator = create_app(state, storage, log or AccessLog(sink=lambda _: None))
            scope = {
                "type": "http",
                "method": "GET",
                "path": PATH,
                "query_string": b"",
                "headers": given,
                "server": ("ghcr.io", 443),
            }
            await emulator(scope, receive, send)

    asyncio.run(run())
    return messages


def test_download_goes_on_part_by_part():
    """Each part is sent to the client before the next is read."""
    events = []
    exchange(Upstream(events, b"one", b"two"))

    assert events == ["read b'one'", "got b'one'", "read b'two'", "got b'two'", "closed"]


def test_upload_goes_on_part_by_part(ghcr):
    """Each part reaches the registry before the next is read from the client."""
    events = []
    upstream = Upstream(events, b"")
    storage = httpx.AsyncClient(transport=upstream, base_url="http://storage")
    emulator = create_app(ghcr.state, storage, ghcr.log)
    authorization = ghcr.authorization("writer")

    async def parts():
        for part in (b"one", b"two"):
            events.append(f"sent {part!r}")
            yield part

    async def push():
        transport = httpx.ASGITransport(emulator)
        async with httpx.AsyncClient(transport=transport, base_url="https://ghcr.io") as client:
            path = "/v2/bytequester/closed/blobs/uploads/u"
            await client.patch(path, content=parts(), headers=authorization)

    asyncio.run(push())

    assert events[:4] == ["sent b'one'", "took b'one'", "sent b'two'", "took b'two'"]


def test_entry_is_there_before_the_last_byte():
    """A client that has the whole answer finds it in the log."""
    events = []
    log = AccessLog(sink=lambda _: events.append("logged"))
    exchange(Upstream(events, b"one", b"two", headers=[("content-length", "6")]), log=log)

    assert events.index("logged") < events.index("got b'two'")
    assert [entry.bytes for entry in log.find(Query())] == [6]


def test_registry_that_is_not_there_gives_502():
    """The client gets an error in the usual form."""
    messages = exchange(Upstream([], httpx.ConnectError("refused")))

    assert messages[0]["status"] == 502
    assert b'"code":"UNAVAILABLE"' in messages[1]["body"]


def test_answer_that_breaks_off_is_never_whole():
    """When the registry breaks off, no last message is sent to the client."""
    events, log = [], AccessLog(sink=lambda _: None)
    upstream = Upstream(events, b"one", httpx.ReadError("reset"), headers=[("content-length", "6")])

    with pytest.raises(httpx.ReadError):
        exchange(upstream, log=log)

    assert events[-1] == "closed"
    assert [(entry.status, entry.bytes) for entry in log.find(Query())] == [(200, 3)]


def test_client_that_leaves_ends_the_download():
    """The registry's connection is closed when the client leaves."""
    events = []
    exchange(Upstream(events, b"one", b"two"), body=[b"", None])

    assert events[-1] == "closed"


def test_abandoned_upload_is_logged(ghcr):
    """An upload that the client breaks off has no answer; the log has 499."""
    storage = httpx.AsyncClient(transport=Upstream([], b""), base_url="http://storage")
    emulator = create_app(ghcr.state, storage, ghcr.log)
    given = ghcr.authorization("writer")["Authorization"].encode()
    incoming = [{"type": "http.request", "body": b"one", "more_body": True}]

    async def receive():
        return incoming.pop() if incoming else {"type": "http.disconnect"}

    async def send(message):
        pytest.fail(f"nobody is there to get {message}")

    scope = {
        "type": "http",
        "method": "PATCH",
        "path": "/v2/bytequester/closed/blobs/uploads/u",
        "query_string": b"",
        "headers": [(b"authorization", given), (b"content-length", b"9")],
    }
    asyncio.run(emulator(scope, receive, send))

    assert ghcr.last_entry().status == 499


def test_hop_by_hop_headers_are_dropped():
    """The registry gets neither the headers of the client's connection nor its token."""
    upstream = Upstream([], b"", headers=[("connection", "x-inner"), ("x-inner", "1")])
    messages = exchange(
        upstream,
        headers=[
            (b"connection", b"keep-alive, X-Odd"),
            (b"x-odd", b"1"),
            (b"te", b"trailers"),
            (b"cookie", b"c=1"),
            (b"x-forwarded-host", b"evil.example"),
            (b"range", b"bytes=0-3"),
        ],
    )

    assert set(upstream.requests[0].headers) == {"host", "range"}
    assert upstream.requests[0].headers["host"] == "storage"
    names = {name for name, _ in messages[0]["headers"]}
    assert names == {b"x-github-request-id", b"docker-distribution-api-version"}


def test_several_accepts_arrive_as_several():
    """Every Accept header reaches the registry, and no other is added."""
    upstream = Upstream([], b"")
    exchange(upstream, headers=[(b"accept", b"a/b"), (b"accept", b"c/d")])

    assert upstream.requests[0].headers.get_list("accept") == ["a/b", "c/d"]
