"""The faults that a switch can be, and the answers of those that are answers.

What GHCR says when it limits or is out: README.md, Sources: faults.
"""

import ssl
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import ClassVar, Final, TypeAlias

from starlette.responses import HTMLResponse, Response

from ghcr_emulator.access_log.log import Draft
from ghcr_emulator.protocol import responses as replies
from ghcr_emulator.protocol.errors import ProtocolError
from ghcr_emulator.protocol.routes import Route

OUTAGES: Final = (500, 502, 503, 504)
BODIES: Final = ("json", "html", "empty")

_PULLS: Final = "retry-after: 880.092µs, allowed: 44000/minute"
_PUSHES: Final = "retry-after: 880.092µs, allowed: 2000/minute"
_READS: Final = frozenset({"GET", "HEAD"})
_REDIRECTS: Final = range(300, 400)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """429, with the limit for pulls or for pushes in its text and no Retry-After."""

    kind: ClassVar[str] = "rate-limit"

    def answer(self, method: str) -> Response:
        """Return what a request with this method is told."""
        message = _PULLS if method in _READS else _PUSHES
        return replies.refuse(ProtocolError(429, "TOOMANYREQUESTS", message))


@dataclass(frozen=True, slots=True)
class Outage:
    """One of OUTAGES, with one of BODIES: a registry's error, a proxy's page, or nothing."""

    kind: ClassVar[str] = "outage"

    status: int
    body: str = "json"

    def answer(self, method: str) -> Response:
        """Return what any request is told."""
        del method
        if self.body == "empty":
            return Response(status_code=self.status)
        if self.body == "html":
            phrase = HTTPStatus(self.status).phrase
            return HTMLResponse(f"<html>{self.status} {phrase}</html>\n", self.status)
        internal = self.status == HTTPStatus.INTERNAL_SERVER_ERROR
        code = "UNKNOWN" if internal else "UNAVAILABLE"
        message = "unknown error" if internal else "service unavailable"
        return replies.refuse(ProtocolError(self.status, code, message))


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer until the switch is taken off; then the usual one."""

    kind: ClassVar[str] = "hang"


@dataclass(frozen=True, slots=True)
class Break:
    """The connection ends without an answer: closed, or reset."""

    reset: bool

    @property
    def kind(self) -> str:
        """The name of the one or the other."""
        return "reset" if self.reset else "close"


@dataclass(frozen=True, slots=True)
class Slow:
    """The usual answer after `delay` seconds, and then so many bytes a second; 0 is any number."""

    kind: ClassVar[str] = "slow"

    delay: float = 0
    bytes_per_second: int = 0


@dataclass(frozen=True, slots=True)
class Truncate:
    """The content is cut in its middle, under a content-length that tells the whole."""

    kind: ClassVar[str] = "truncate"


@dataclass(frozen=True, slots=True)
class WrongBytes:
    """One byte of the content is another: its length is right, its digest is not."""

    kind: ClassVar[str] = "wrong-bytes"


@dataclass(frozen=True, slots=True)
class WrongDigest:
    """The docker-content-digest header names a digest that nothing has."""

    kind: ClassVar[str] = "wrong-digest"


@dataclass(frozen=True, slots=True)
class Missing:
    """A manifest or blob that is there is said not to be."""

    kind: ClassVar[str] = "missing"


@dataclass(frozen=True, slots=True)
class Certificate:
    """TLS under another certificate than the usual one."""

    kind: ClassVar[str] = "certificate"

    context: ssl.SSLContext = field(repr=False)


@dataclass(frozen=True, slots=True)
class PlainHttp:
    """HTTP without TLS, where TLS is expected."""

    kind: ClassVar[str] = "plain-http"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nobody listens: connections are refused."""

    kind: ClassVar[str] = "refuse"


Answer = RateLimit | Outage
Instead = Answer | Hang | Break
Alter = Slow | Truncate | WrongBytes | WrongDigest | Missing
AtDoor = Certificate | PlainHttp | Refuse
Fault: TypeAlias = Instead | Alter | AtDoor


def alters(fault: Fault, told: Draft, status: int, headers: dict[bytes, bytes]) -> bool:
    """Tell whether a fault has anything to alter in an answer, of which only the head is known."""
    if isinstance(fault, Slow):
        # A redirect has nothing in it that could come slowly.
        return status not in _REDIRECTS
    if not isinstance(fault, Alter) or told.method not in _READS or told.digest is None:
        return False
    if isinstance(fault, Missing):
        found = status < HTTPStatus.BAD_REQUEST
        return found and told.route in {Route.MANIFEST, Route.BLOB}
    if status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        return False
    if isinstance(fault, WrongDigest):
        return b"docker-content-digest" in headers
    return told.method == "GET" and headers.get(b"content-length", b"0") != b"0"
