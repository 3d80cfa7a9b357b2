"""The handlers of /v2/ for authenticated callers: pulls, pushes and lists."""

from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import httpx
from starlette.requests import Request
from starlette.responses import Response

from ghcr_emulator.access_log import middleware as recorder
from ghcr_emulator.auth import authorization as authorize
from ghcr_emulator.auth.authentication import Caller
from ghcr_emulator.protocol import errors, names
from ghcr_emulator.protocol import responses as replies
from ghcr_emulator.protocol.errors import ProtocolError
from ghcr_emulator.protocol.routes import RouteTarget
from ghcr_emulator.registry_api import tags
from ghcr_emulator.registry_api import upstream_proxy as storage
from ghcr_emulator.state.state import State

_INDEX: Final = "application/vnd.oci.image.index.v1+json"


class Repositories:
    """The handlers of the routes under /v2/, for a request, its target and an allowed caller."""

    def __init__(self, state: State, storage: httpx.AsyncClient) -> None:
        self._state = state
        self._storage = storage

    async def ping(self, request: Request, target: RouteTarget, caller: Caller) -> Response:
        """Answer the ping with 200: this is a registry, and the caller is authenticated."""
        del request, target, caller
        return replies.document({})

    async def catalog(self, request: Request, target: RouteTarget, caller: Caller) -> Response:
        """List the public packages, as GHCR did in its last captured answer (August 2024)."""
        del target, caller
        page = {"repositories": self._state.public_repositories()}
        return _paged(request, "/v2/_catalog", page)

    async def list_tags(self, request: Request, target: RouteTarget, caller: Caller) -> Response:
        """List a repository's tags in push order."""
        del caller
        try:
            stored = await storage.list_tags(self._storage, target.repository)
        except storage.UpstreamRefusedError as refused:
            return replies.refuse(refused.error)
        ordered = tags.in_push_order(stored, self._state.push_order(target.repository))
        return _paged(
            request,
            f"/v2/{target.repository}/tags/list",
            {"tags": ordered},
            first={"name": target.repository},
        )

    async def manifest(self, request: Request, target: RouteTarget, caller: Caller) -> Response:
        """Answer GET, HEAD and PUT of a manifest, by tag or digest."""
        path = f"/v2/{target.repository}/manifests/{target.reference}"
        versions = self._state.versions
        # By digest alone: the tags of a deleted version are gone from the registry behind.
        if request.method != "PUT" and versions.is_deleted(target.repository, target.reference):
            return replies.refuse(errors.MANIFEST_UNKNOWN)
        forwarded = storage.UpstreamRequest(
            path, errors.MANIFEST_UNKNOWN, judge=lambda found: _unread_index(request, found)
        )
        if request.method == "PUT" and names.is_tag(target.reference):
            self._state.tag_digests.may_move(target.repository, target.reference)
        response = await storage.relay(request, self._storage, forwarded)
        self._note(request, response)
        if response.status_code == HTTPStatus.CREATED:
            self._create(target, caller)
            versions.pushed(target.repository, response.headers["docker-content-digest"])
            if names.is_tag(target.reference):
                self._state.tag_pushed(target.repository, target.reference)
        return response

    async def blob(self, request: Request, target: RouteTarget, caller: Caller) -> Response:
        """Redirect to a blob, or serve it, as the assumption `blobs` says."""
        path = f"/v2/{target.repository}/blobs/{target.reference}"
        if self._state.assumptions.blobs == "inline":
            forwarded = storage.UpstreamRequest(path, errors.BLOB_UNKNOWN)
            return await storage.relay(request, self._storage, forwarded)
        try:
            await storage.look(self._storage, path, errors.BLOB_UNKNOWN)
        except storage.UpstreamRefusedError as refused:
            return replies.refuse(refused.error)
        address = self._state.links.sign(target.repository, target.reference, caller.identity)
        return replies.redirect(HTTPStatus.TEMPORARY_REDIRECT, address)

    async def referrers(self, request: Request, target: RouteTarget, caller: Caller) -> Response:
        """Answer 404, which is what clients of GHCR get in the end.

        GHCR redirects to an address of github.com that omits the digest and is missing.
        """
        del request, caller
        if self._state.assumptions.referrers == "missing":
            return replies.not_found()
        algorithm = target.reference.partition(":")[0]
        package = quote(f"{target.repository}/referrers/{algorithm}", safe="")
        address = f"https://github.com/-/v2/packages/container/package/{package}"
        return replies.redirect(HTTPStatus.SEE_OTHER, address)

    async def upload(self, request: Request, target: RouteTarget, caller: Caller) -> Response:
        """Begin, continue, finish or describe the upload of a blob."""
        path = f"/v2/{target.repository}/blobs/uploads/{target.reference}"
        query = self._without_closed_mount(dict(request.query_params), caller)
        digest = query.get("digest") or query.get("mount") or ""
        if names.is_digest(digest):
            recorder.note_digest(request, digest)
        forwarded = storage.UpstreamRequest(path, errors.UPLOAD_UNKNOWN, query)
        response = await storage.relay(request, self._storage, forwarded)
        if response.status_code == HTTPStatus.CREATED:
            self._create(target, caller)
        return response

    def _without_closed_mount(self, query: dict[str, str], caller: Caller) -> dict[str, str]:
        """Remove a mount whose source the caller may not read: a plain upload begins."""
        source = query.get("from", "")
        readable = names.is_repository(source) and not authorize.pull(
            caller, self._state.place(source), self._state.assumptions
        )
        if readable:
            return query
        return {key: value for key, value in query.items() if key not in {"mount", "from"}}

    def _create(self, target: RouteTarget, caller: Caller) -> None:
        if caller.identity is not None:
            self._state.create_by_push(target.repository, caller.identity.principal)

    @staticmethod
    def _note(request: Request, response: Response) -> None:
        digest = response.headers.get("docker-content-digest")
        if digest is not None:
            recorder.note_digest(request, digest)


def _unread_index(request: Request, found: httpx.Headers) -> ProtocolError | None:
    """Refuse an index to a client that did not accept its type; `*/*` does not count."""
    # Distribution 3.1 has this sentence, and serves the index all the same.
    if found.get("content-type") != _INDEX:
        return None
    accepted = ",".join(request.headers.getlist("accept")).split(",")
    named = {media_type.partition(";")[0].strip().lower() for media_type in accepted}
    return None if _INDEX in named else errors.INDEX_NOT_ACCEPTED


def _paged(
    request: Request, path: str, found: dict[str, list[str]], first: dict[str, str] | None = None
) -> Response:
    """Answer with the requested page of the one list in `found`, after the keys of `first`."""
    ((key, items),) = found.items()
    query = request.query_params
    try:
        page = tags.page(items, path, query.get("n"), query.get("last"))
    except tags.PageError:
        return replies.refuse(errors.PAGE_INVALID)
    headers = {} if page.link is None else {"link": page.link}
    return replies.document({**(first or {}), key: page.items}, headers)
