"""The answers that a fault gives instead of the usual ones, and the answers that it can alter.

README.md, Sources: faults, says what GHCR answers to a rate limit and in an outage.
"""

from http import HTTPStatus
from typing import Final

from starlette.responses import HTMLResponse, Response

from ghcr_emulator.access_log.log import Draft
from ghcr_emulator.faults.kinds import Alter, Answer, Fault, Missing, RateLimit, Slow, WrongDigest
from ghcr_emulator.protocol import responses as replies
from ghcr_emulator.protocol.errors import ProtocolError
from ghcr_emulator.protocol.routes import Route

_PULLS: Final = "retry-after: 880.092µs, allowed: 44000/minute"
_PUSHES: Final = "retry-after: 880.092µs, allowed: 2000/minute"
_READS: Final = frozenset({"GET", "HEAD"})
_REDIRECTS: Final = range(300, 400)


def answer(fault: Answer, method: str) -> Response:
    """Return the answer of a fault to a request with this method."""
    if isinstance(fault, RateLimit):
        message = _PULLS if method in _READS else _PUSHES
        return replies.refuse(ProtocolError(429, "TOOMANYREQUESTS", message))
    if fault.body == "empty":
        return Response(status_code=fault.status)
    if fault.body == "html":
        phrase = HTTPStatus(fault.status).phrase
        return HTMLResponse(f"<html>{fault.status} {phrase}</html>\n", fault.status)
    internal = fault.status == 500
    code = "UNKNOWN" if internal else "UNAVAILABLE"
    message = "unknown error" if internal else "service unavailable"
    return replies.refuse(ProtocolError(fault.status, code, message))


def alters(fault: Fault, told: Draft, status: int, headers: dict[bytes, bytes]) -> bool:
    """Return whether a fault can alter an answer, of which only the head is known."""
    if isinstance(fault, Slow):
        # A redirect has no body that could come slowly.
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
