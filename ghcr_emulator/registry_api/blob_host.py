"""GitHub's storage of blobs, `pkg-containers.githubusercontent.com`: it serves signed addresses.

It accepts no credential. A request with one is refused, as Azure does, and the access log's entry
has `credential_leaked`.
"""

from http import HTTPStatus
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ghcr_emulator.access_log import middleware as recorder
from ghcr_emulator.auth.authentication import Caller, Standing
from ghcr_emulator.protocol import errors
from ghcr_emulator.protocol.routes import Route, RouteTarget
from ghcr_emulator.registry_api import upstream_proxy as storage
from ghcr_emulator.state.state import State

_READS: Final = frozenset({"GET", "HEAD"})
_UNSIGNED: Final = (
    "Server failed to authenticate the request. Make sure the value of Authorization header is"
    " formed correctly including the signature."
)
_UNWANTED: Final = (
    "Authentication information is not given in the correct format."
    " Check the value of Authorization header."
)


class BlobStore:
    """The application that answers as the storage of blobs."""

    def __init__(self, state: State, registry: httpx.AsyncClient) -> None:
        self._state = state
        self._registry = registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        recorder.note_target(request, RouteTarget(Route.STORED_BLOB))
        if "authorization" in request.headers:
            recorder.note_leak(request)
            return _refuse(400, "InvalidAuthenticationInfo", _UNWANTED)
        if request.method not in _READS:
            return _refuse(405, "UnsupportedHttpVerb", "The resource doesn't support this verb.")
        link = self._state.links.open(request.url.path, dict(request.query_params))
        if link is None:
            return _refuse(403, "AuthenticationFailed", _UNSIGNED)
        recorder.note_target(request, RouteTarget(Route.STORED_BLOB, link.repository, link.digest))
        standing = Standing.KNOWN if link.credential else Standing.ANYBODY
        recorder.note_caller(request, Caller(standing, link.credential))
        path = f"/v2/{link.repository}/blobs/{link.digest}"
        forwarded = storage.UpstreamRequest(path, errors.BLOB_UNKNOWN)
        response = await storage.relay(request, self._registry, forwarded)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return _refuse(404, "BlobNotFound", "The specified blob does not exist.")
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            return _refuse(response.status_code, "InternalError", "The blob cannot be given.")
        del response.headers["docker-content-digest"]
        return response


def _refuse(status: int, code: str, message: str) -> Response:
    """Answer with an error in the form of Azure's storage."""
    error = Element("Error")
    SubElement(error, "Code").text = code
    SubElement(error, "Message").text = message
    body = b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>' + tostring(error)
    return Response(body, status, {"x-ms-error-code": code}, media_type="application/xml")
