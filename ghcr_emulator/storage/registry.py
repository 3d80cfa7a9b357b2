"""The OCI distribution API over files: a registry without authentication.

It answers as CNCF distribution v3.1 does, which it can replace behind the emulator;
docs/ghcr-emulator.md has the differences. Sources: the OCI distribution specification 1.1, and
distribution's answers, against which the same tests run.
"""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ghcr_emulator.protocol import errors, names
from ghcr_emulator.protocol import responses as replies
from ghcr_emulator.protocol import routes as paths
from ghcr_emulator.protocol.errors import ProtocolError
from ghcr_emulator.protocol.routes import Route, RouteTarget
from ghcr_emulator.storage import manifests
from ghcr_emulator.storage.files import Digest, Files, StoredManifest
from ghcr_emulator.storage.manifests import ManifestError
from ghcr_emulator.storage.uploads import Upload, Uploads

_Handler: TypeAlias = Callable[[Request, RouteTarget], Awaitable[Response]]

_RANGE: Final = re.compile(r"(?:bytes[ =])?(\d{1,18})-(\d{1,18})(?:/.*)?", re.ASCII)
_SPAN: Final = re.compile(r"(\d{1,18})-(\d{1,18})", re.ASCII)
_COUNT: Final = re.compile(r"\d{1,9}", re.ASCII)
# The types that a client must name in its Accept header to receive them.
_TO_BE_NAMED: Final = {
    manifests.OCI_MANIFEST: errors.MANIFEST_NOT_ACCEPTED,
    manifests.OCI_INDEX: errors.INDEX_NOT_ACCEPTED,
}

_log = logging.getLogger("ghcr_emulator.storage")


class _Refusal(Exception):  # noqa: N818  # an answer, and no error of the program's
    """The request is refused with `error`."""

    def __init__(self, error: ProtocolError) -> None:
        super().__init__(error.message)
        self.error = error


class _Blob(FileResponse):
    """The content of a blob, whole or in the requested ranges, in large pieces."""

    chunk_size = 1024 * 1024

    def __init__(self, path: Path, digest: Digest) -> None:
        headers = {"docker-content-digest": str(digest), "etag": f'"{digest}"'}
        super().__init__(path, 200, headers, "application/octet-stream", stat_result=path.stat())


class Registry:
    """The registry application; no other process uses the directory of `files`."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._uploads = Uploads(files)
        self._handlers: dict[tuple[Route, str], _Handler] = {
            (Route.PING, "GET"): self._ping,
            (Route.TAGS, "GET"): self._tags,
            (Route.MANIFEST, "GET"): self._manifest,
            (Route.MANIFEST, "HEAD"): self._manifest,
            (Route.MANIFEST, "PUT"): self._put_manifest,
            (Route.MANIFEST, "DELETE"): self._delete_manifest,
            (Route.BLOB, "GET"): self._blob,
            (Route.BLOB, "HEAD"): self._blob,
            (Route.BLOB, "DELETE"): self._delete_blob,
            (Route.UPLOAD, "POST"): self._begin,
            (Route.UPLOAD, "GET"): self._status,
            (Route.UPLOAD, "PATCH"): self._append,
            (Route.UPLOAD, "PUT"): self._finish,
            (Route.UPLOAD, "DELETE"): self._cancel,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except _Refusal as refusal:
            response = replies.refuse(refusal.error)
        except OSError as error:
            _log.error("%s %s: %s", request.method, request.url.path, error)
            response = replies.refuse(errors.UNKNOWN)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        target = paths.parse(request.scope["path"])
        if not any(route is target.route for route, _ in self._handlers):
            return replies.not_found()
        # The path of every upload request but the first holds the upload's id.
        begins = target.route is Route.UPLOAD and not target.reference
        handler = self._handlers.get((target.route, request.method))
        if handler is None or (target.route is Route.UPLOAD and begins != (handler == self._begin)):
            raise _Refusal(errors.UNSUPPORTED)
        return await handler(request, target)

    async def _ping(self, request: Request, target: RouteTarget) -> Response:
        del request, target
        return JSONResponse({})

    async def _tags(self, request: Request, target: RouteTarget) -> Response:
        tags = self._files.tags(target.repository)
        if tags is None:
            raise _Refusal(errors.NAME_UNKNOWN)
        query = request.query_params
        n, last = query.get("n") or str(len(tags)), query.get("last", "")
        if not _COUNT.fullmatch(n):
            raise _Refusal(errors.PAGE_INVALID)
        rest = [tag for tag in tags if tag > last]
        page = rest[: int(n)]
        headers = {}
        if page and len(page) < len(rest):
            after = urlencode({"last": page[-1], "n": n})
            headers["link"] = f'<{request.url.path}?{after}>; rel="next"'
        return JSONResponse({"name": target.repository, "tags": page}, headers=headers)

    async def _manifest(self, request: Request, target: RouteTarget) -> Response:
        manifest = self._find(target)
        accepted = {
            manifests.media_type_of(text)
            for header in request.headers.getlist("accept")
            for text in header.split(",")
        }
        unread = _TO_BE_NAMED.get(manifest.media_type)
        if unread and manifest.media_type not in accepted:
            raise _Refusal(unread)
        headers = {
            "content-type": manifest.media_type,
            "docker-content-digest": str(manifest.digest),
            "etag": f'"{manifest.digest}"',
        }
        return Response(manifest.content, headers=headers)

    async def _put_manifest(self, request: Request, target: RouteTarget) -> Response:
        content = await _whole(request, manifests.LARGEST)
        media_type = manifests.media_type_of(request.headers.get("content-type", ""))
        try:
            needed = manifests.needed_blobs(media_type, content)
        except ManifestError as error:
            raise _Refusal(errors.MANIFEST_INVALID) from error
        tag = target.reference if names.is_tag(target.reference) else None
        named = None if tag else _digest(target.reference)
        digest = Digest.of(content, named.algorithm if named else "sha256")
        if named not in (None, digest):
            raise _Refusal(errors.DIGEST_INVALID)
        if not all(self._files.blob(target.repository, each) for each in needed):
            raise _Refusal(errors.MANIFEST_BLOB_UNKNOWN)
        self._files.put_manifest(
            target.repository, StoredManifest(digest, media_type, content), tag
        )
        return _created(target.repository, "manifests", digest)

    async def _delete_manifest(self, request: Request, target: RouteTarget) -> Response:
        del request
        if names.is_tag(target.reference):
            deleted = self._files.delete_tag(target.repository, target.reference)
        else:
            digest = _digest(target.reference)
            deleted = self._files.delete_manifest(target.repository, digest)
        if not deleted:
            raise _Refusal(errors.MANIFEST_UNKNOWN)
        return Response(status_code=HTTPStatus.ACCEPTED)

    async def _blob(self, request: Request, target: RouteTarget) -> Response:
        digest = _digest(target.reference)
        path = self._files.blob(target.repository, digest)
        if path is None:
            raise _Refusal(errors.BLOB_UNKNOWN)
        # Starlette answers 400 to these requests, where the specification has 416.
        if any(
            int(start) > int(end) for start, end in _SPAN.findall(request.headers.get("range", ""))
        ):
            raise _Refusal(errors.RANGE_INVALID)
        return _Blob(path, digest)

    async def _delete_blob(self, request: Request, target: RouteTarget) -> Response:
        del request
        if not self._files.delete_blob(target.repository, _digest(target.reference)):
            raise _Refusal(errors.BLOB_UNKNOWN)
        return Response(status_code=HTTPStatus.ACCEPTED)

    async def _begin(self, request: Request, target: RouteTarget) -> Response:
        query = request.query_params
        mounted, source = Digest.parse(query.get("mount", "")), query.get("from", "")
        if mounted and names.is_repository(source) and self._files.blob(source, mounted):
            self._files.link(target.repository, mounted)
            return _created(target.repository, "blobs", mounted)
        # The specification allows a registry to ignore the content of this request.
        return _on_its_way(self._uploads.begin(target.repository), HTTPStatus.ACCEPTED)

    async def _status(self, request: Request, target: RouteTarget) -> Response:
        del request
        return _on_its_way(self._upload(target), HTTPStatus.NO_CONTENT)

    async def _append(self, request: Request, target: RouteTarget) -> Response:
        async with self._held(target) as upload:
            _check_range(request, upload)
            await upload.take(request.stream())
        return _on_its_way(upload, HTTPStatus.ACCEPTED)

    async def _finish(self, request: Request, target: RouteTarget) -> Response:
        digest = _digest(request.query_params.get("digest", ""))
        async with self._held(target) as upload:
            _check_range(request, upload)
            await upload.take(request.stream())
            if not await self._uploads.finish(upload, digest):
                raise _Refusal(errors.DIGEST_INVALID)
        return _created(target.repository, "blobs", digest)

    async def _cancel(self, request: Request, target: RouteTarget) -> Response:
        del request
        async with self._held(target) as upload:
            self._uploads.cancel(upload)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    def _upload(self, target: RouteTarget) -> Upload:
        upload = self._uploads.find(target.repository, target.reference)
        if upload is None:
            raise _Refusal(errors.UPLOAD_UNKNOWN)
        return upload

    @asynccontextmanager
    async def _held(self, target: RouteTarget) -> AsyncIterator[Upload]:
        """Lock an upload for this request alone; refuse if another request has ended it."""
        async with self._upload(target).lock:
            yield self._upload(target)

    def _find(self, target: RouteTarget) -> StoredManifest:
        if names.is_tag(target.reference):
            digest = self._files.tagged(target.repository, target.reference)
        else:
            digest = _digest(target.reference)
        found = self._files.manifest(target.repository, digest) if digest else None
        if found is None:
            raise _Refusal(errors.MANIFEST_UNKNOWN)
        return found


def _digest(text: str) -> Digest:
    digest = Digest.parse(text)
    if digest is None:
        raise _Refusal(errors.DIGEST_INVALID)
    return digest


async def _whole(request: Request, largest: int) -> bytes:
    content = b""
    async for piece in request.stream():
        content += piece
        if len(content) > largest:
            raise _Refusal(errors.MANIFEST_INVALID)
    return content


def _check_range(request: Request, upload: Upload) -> None:
    """Refuse a piece that does not begin at the upload's end, or has a wrong length."""
    header = request.headers.get("content-range")
    if header is None:
        return
    found = _RANGE.fullmatch(header)
    if found is None or int(found[1]) != upload.size or int(found[2]) < int(found[1]):
        raise _Refusal(errors.RANGE_INVALID)
    length = request.headers.get("content-length")
    if length is not None and length != str(int(found[2]) - int(found[1]) + 1):
        raise _Refusal(errors.SIZE_INVALID)


def _on_its_way(upload: Upload, status: HTTPStatus) -> Response:
    headers = {
        "location": f"/v2/{upload.repository}/blobs/uploads/{upload.id}",
        "docker-upload-uuid": upload.id,
        # An empty upload has this range too.
        "range": f"0-{max(upload.size - 1, 0)}",
    }
    return Response(status_code=status, headers=headers)


def _created(repository: str, kind: str, digest: Digest) -> Response:
    headers = {
        "location": f"/v2/{repository}/{kind}/{digest}",
        "docker-content-digest": str(digest),
    }
    return Response(status_code=HTTPStatus.CREATED, headers=headers)
