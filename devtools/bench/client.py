"""A registry client that does little more than TLS, so that a benchmark measures the registry.

It reads from OpenSSL into one reused buffer. It hashes or stores a body only on request.
"""

import base64
import hashlib
import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from pullrecovery.common.errors import LabError

_CHUNK: Final = 1024 * 1024
_SECONDS: Final = 300.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS: Final = 3

# A body's size, content and digest.
_Read: TypeAlias = tuple[int, bytes, str]


@dataclass(frozen=True)
class RegistryRoute:
    """How to reach a registry: its name, and the loopback port for each name that it may use."""

    host: str
    ports: Mapping[str, int]
    trust: ssl.SSLContext | None


@dataclass(frozen=True)
class Answer:
    """A complete answer; `size` is the length of the body.

    `body` and `digest`, the body's sha256, are set only if they were requested.
    """

    status: int
    headers: Mapping[str, str]
    size: int
    body: bytes = b""
    digest: str = ""


@dataclass
class Client:
    """One client with one connection for each name; not for use by several threads.

    Raises LabError if an answer is not the expected one, and OSError if there is none.
    """

    route: RegistryRoute
    bearer: str = ""
    _open: dict[str, http.client.HTTPConnection] = field(default_factory=dict)
    _buffer: bytearray = field(default_factory=lambda: bytearray(_CHUNK))

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Iterator[bytes] | bytes | None = None,
        keep: bool = False,
        sum_up: bool = False,
    ) -> Answer:
        """Send one request to the registry, and follow redirects without the bearer.

        The answer has its body with `keep`, and its digest with `sum_up`.
        """
        host = self.route.host
        known = {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        read = self._read if keep else self._drain_summing if sum_up else self._drain
        answer = self._ask(host, method, path, {**known, **(headers or {})}, body, read)
        for _ in range(_MOST_REDIRECTS):
            if method != "GET" or answer.status not in _REDIRECTS:
                return answer
            there = urlsplit(answer.headers["location"])
            host = there.hostname or host
            path = f"{there.path}?{there.query}" if there.query else there.path
            answer = self._ask(host, method, path, dict(headers or {}), None, read)
        raise LabError(f"{method} {path} is redirected without end.")

    def log_in(self, login: str, token: str, repository: str) -> None:
        """Get a bearer for the repository from the token service."""
        basic = base64.b64encode(f"{login}:{token}".encode()).decode()
        scope = f"/token?service=ghcr.io&scope=repository:{repository}:pull,push"
        answer = self.ask("GET", scope, headers={"Authorization": f"Basic {basic}"}, keep=True)
        self.bearer = json.loads(wanted(answer, 200, "a token").body)["token"]

    def close(self) -> None:
        """Close every connection."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def _ask(
        self,
        host: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Iterator[bytes] | bytes | None,
        read: Callable[[http.client.HTTPResponse], _Read],
    ) -> Answer:
        connection = self._open.get(host) or self._connect(host)
        try:
            connection.request(method, path, body, dict(headers))
            with connection.getresponse() as response:
                found = {name.lower(): value for name, value in response.getheaders()}
                return Answer(response.status, found, *read(response))
        except http.client.HTTPException as error:
            raise LabError(f"{method} {path} at {host} was answered with no HTTP.") from error

    def _read(self, response: http.client.HTTPResponse) -> _Read:
        body = response.read()
        return len(body), body, ""

    def _drain(self, response: http.client.HTTPResponse) -> _Read:
        size = 0
        while count := response.readinto(self._buffer):
            size += count
        return size, b"", ""

    def _drain_summing(self, response: http.client.HTTPResponse) -> _Read:
        size, sum_of, view = 0, hashlib.sha256(), memoryview(self._buffer)
        while count := response.readinto(self._buffer):
            size += count
            sum_of.update(view[:count])
        return size, b"", f"sha256:{sum_of.hexdigest()}"

    def _connect(self, host: str) -> http.client.HTTPConnection:
        port = self.route.ports.get(host)
        if port is None:
            raise LabError(f"{host} is not the lab's.")
        connection = _Connection(host, port, self.route.trust)
        self._open[host] = connection
        return connection


class _Connection(http.client.HTTPConnection):
    """A connection to a port of the loopback interface, under the registry's own TLS name."""

    def __init__(self, host: str, port: int, trust: ssl.SSLContext | None) -> None:
        super().__init__(host, timeout=_SECONDS, blocksize=_CHUNK)
        self._port, self._trust = port, trust

    def connect(self) -> None:
        self.sock = socket.create_connection(("127.0.0.1", self._port), _SECONDS)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._trust is not None:
            self.sock = self._trust.wrap_socket(self.sock, server_hostname=self.host)


@contextmanager
def opened(route: RegistryRoute, bearer: str = "") -> Iterator[Client]:
    """Yield a client, and close its connections after the block."""
    client = Client(route, bearer)
    try:
        yield client
    finally:
        client.close()


def wanted(answer: Answer, status: int, what: str) -> Answer:
    """Return the answer if it has the status; else raise LabError."""
    if answer.status != status:
        raise LabError(f"{what} was answered with {answer.status} in place of {status}.")
    return answer
