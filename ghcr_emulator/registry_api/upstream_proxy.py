"""The streaming proxy to the registry behind the emulator.

Bodies are streamed in both directions, so memory does not grow with them. The connections to the
registry are closed however the client's request ends.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ghcr_emulator.protocol import errors
from ghcr_emulator.protocol import responses as replies
from ghcr_emulator.protocol.errors import ProtocolError

# RFC 9110 §7.6.1, and the older names that clients still send.
_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# The registry must see no secret, and must not trust a client's forwarding headers.
_KEPT_BACK: Final = frozenset(
    {
        b"authorization",
        b"cookie",
        b"expect",
        b"forwarded",
        b"host",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
    }
)
# The emulator's own server writes these headers.
_REPLACED: Final = frozenset({b"date", b"server", b"docker-distribution-api-version"})

# Accept any type, and name those types that registries do not send for `*/*`.
ANY_MANIFEST: Final = (
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "*/*"
)
_WITH_BODY: Final = frozenset({"PATCH", "POST", "PUT"})
_LONGEST_ERROR: Final = 64 * 1024
_FIRST_ERROR_STATUS: Final = 400

_RawHeaders: TypeAlias = list[tuple[bytes, bytes]]


class UpstreamRefusedError(Exception):
    """The registry refused, or did not answer; `error` is what the client receives."""

    def __init__(self, error: ProtocolError) -> None:
        super().__init__(error.message)
        self.error = error


class _Relayed(StreamingResponse):
    """The registry's answer, streamed; it is closed at its end, and when the client leaves."""

    def __init__(self, upstream: httpx.Response) -> None:
        super().__init__(upstream.aiter_raw(), upstream.status_code)
        self.raw_headers = _without(upstream.headers.raw, _REPLACED)
        self._upstream = upstream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._upstream.aclose()


def _take(headers: httpx.Headers) -> None:
    """Accept any headers."""
    del headers


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """A request to the registry behind the emulator, and the handling of its answer.

    `fallback` is the error for a refused HEAD, which has no body. `judge` may refuse a good answer
    by its headers.
    """

    path: str
    fallback: ProtocolError
    query: Mapping[str, str] = field(default_factory=dict)
    judge: Callable[[httpx.Headers], ProtocolError | None] = _take


async def relay(
    request: Request, storage: httpx.AsyncClient, forwarded: UpstreamRequest
) -> Response:
    """Send the client's request on to the registry, and return its answer.

    An error of the registry is changed into GHCR's form. A registry that does not answer, or breaks
    off before its headers, gives 502. One that breaks off later breaks the client's answer off too.
    Raises ClientDisconnect if the client leaves while its body is read.
    """
    outgoing = _outgoing(request, storage, forwarded)
    try:
        upstream = await storage.send(outgoing, stream=True)
        if upstream.status_code >= _FIRST_ERROR_STATUS:
            return await _refusal(upstream, forwarded.fallback)
    except httpx.TransportError:
        return replies.refuse(errors.STORAGE_UNAVAILABLE)
    refusal = forwarded.judge(upstream.headers)
    if refusal is not None:
        await upstream.aclose()
        return replies.refuse(refusal)
    response = _Relayed(upstream)
    if "location" in response.headers:
        response.headers["location"] = _relative(response.headers["location"])
    return response


async def look(storage: httpx.AsyncClient, path: str, missing: ProtocolError) -> httpx.Headers:
    """Return the headers of a HEAD; raises UpstreamRefusedError, with `missing` for a refusal."""
    try:
        reply = await storage.head(path, headers={"accept": ANY_MANIFEST})
    except httpx.TransportError as error:
        raise UpstreamRefusedError(errors.STORAGE_UNAVAILABLE) from error
    if reply.status_code >= _FIRST_ERROR_STATUS:
        raise UpstreamRefusedError(errors.from_storage(reply.status_code, reply.content, missing))
    return reply.headers


async def list_tags(storage: httpx.AsyncClient, repository: str) -> list[str]:
    """Return all tags of a repository as the registry lists them, in lexical order.

    Raises UpstreamRefusedError where it has no such repository or does not answer.
    """
    try:
        reply = await storage.get(f"/v2/{repository}/tags/list")
    except httpx.TransportError as error:
        raise UpstreamRefusedError(errors.STORAGE_UNAVAILABLE) from error
    if reply.status_code >= _FIRST_ERROR_STATUS:
        raise UpstreamRefusedError(
            errors.from_storage(reply.status_code, reply.content, errors.NAME_UNKNOWN)
        )
    return [str(tag) for tag in reply.json()["tags"] or ()]


async def tag(storage: httpx.AsyncClient, repository: str, digest: str, name: str) -> None:
    """Point a tag to an existing manifest; raises UpstreamRefusedError."""
    path = f"/v2/{repository}/manifests/"
    try:
        found = await storage.get(path + digest, headers={"accept": ANY_MANIFEST})
        if found.is_success:
            kind = {"content-type": found.headers["content-type"]}
            found = await storage.put(path + name, content=found.content, headers=kind)
    except httpx.TransportError as error:
        raise UpstreamRefusedError(errors.STORAGE_UNAVAILABLE) from error
    if found.status_code >= _FIRST_ERROR_STATUS:
        raise UpstreamRefusedError(
            errors.from_storage(found.status_code, found.content, errors.MANIFEST_UNKNOWN)
        )


async def delete_tag(storage: httpx.AsyncClient, repository: str, tag: str) -> None:
    """Delete one tag, but not its manifest.

    Raises UpstreamRefusedError where there is no such tag or the registry does not answer.
    """
    try:
        reply = await storage.delete(f"/v2/{repository}/manifests/{tag}")
    except httpx.TransportError as error:
        raise UpstreamRefusedError(errors.STORAGE_UNAVAILABLE) from error
    if reply.status_code >= _FIRST_ERROR_STATUS:
        raise UpstreamRefusedError(
            errors.from_storage(reply.status_code, reply.content, errors.MANIFEST_UNKNOWN)
        )


def _outgoing(
    request: Request, storage: httpx.AsyncClient, forwarded: UpstreamRequest
) -> httpx.Request:
    # build_request() would add the client's default Accept, which the request did not have.
    url = storage.base_url.join(forwarded.path)
    return httpx.Request(
        request.method,
        url.copy_merge_params(forwarded.query) if forwarded.query else url,
        headers=_without(request.headers.raw, _KEPT_BACK),
        content=request.stream() if request.method in _WITH_BODY else None,
        extensions={"timeout": storage.timeout.as_dict()},
    )


def _without(headers: _RawHeaders, dropped: frozenset[bytes]) -> _RawHeaders:
    """Remove the hop-by-hop headers, those that Connection names, and `dropped`."""
    lower = [(name.lower(), value) for name, value in headers]
    named = {
        option.strip().lower()
        for name, value in lower
        if name == b"connection"
        for option in value.split(b",")
    }
    return [pair for pair in lower if pair[0] not in _HOP_BY_HOP | dropped | named]


async def _refusal(upstream: httpx.Response, fallback: ProtocolError) -> Response:
    try:
        body = await _first_bytes(upstream.aiter_raw(), _LONGEST_ERROR)
    finally:
        await upstream.aclose()
    return replies.refuse(errors.from_storage(upstream.status_code, body, fallback))


async def _first_bytes(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    body = b""
    async for chunk in chunks:
        body += chunk
        if len(body) >= limit:
            break
    return body[:limit]


def _relative(location: str) -> str:
    """Return an address's path and query, because the registry's host is not the client's."""
    return httpx.URL(location).raw_path.decode()
