"""The stand-in in memory: its front and control port over ASGI, before a registry of dicts."""

import asyncio
import base64
import hashlib
import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ghcr_emulator.access_log.log import AccessLog, Query
from ghcr_emulator.app import create_front
from ghcr_emulator.control_api.app import create_control
from ghcr_emulator.faults.matching import Switches
from ghcr_emulator.state.accounts import Credential, Owner, Package, Visibility
from ghcr_emulator.state.state import State
from ghcr_emulator.state.tokens import fingerprint

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
SECRET = "the-control-secret-of-the-tests"

LAYER = b"a layer" * 100
CREATED, ACCEPTED, NO_CONTENT, NOT_FOUND = 201, 202, 204, 404


def digest_of(content: bytes) -> str:
    """Return the sha256 digest of some bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def manifest(name: str, media_type: str = OCI_MANIFEST) -> bytes:
    """Return the bytes of a manifest that differs by name."""
    return json.dumps({"schemaVersion": 2, "mediaType": media_type, "name": name}).encode()


@dataclass
class Storage:
    """Just enough of distribution: its routes, headers, and errors with their `detail`."""

    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], bytes] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    seen: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    _ids: itertools.count = field(default_factory=itertools.count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        self.seen.append((request.method, str(request.url), request.headers))
        response = self.answer(request, await request.body())
        await response(scope, receive, send)

    def answer(self, request: Request, body: bytes) -> Response:
        """Answer by the words the path ends with."""
        match request.url.path.removeprefix("/v2/").split("/"):
            case [*name, "manifests", ref]:
                return self.manifest(request, "/".join(name), ref, body)
            case [*name, "blobs", "uploads", upload]:
                return self.upload(request, "/".join(name), upload, body)
            case [*name, "blobs", digest]:
                return self.blob("/".join(name), digest)
            case [*name, "tags", "list"]:
                return self.list_tags("/".join(name))
            case _:
                return Response("404 page not found\n", NOT_FOUND)

    def put(self, repository: str, tag: str, content: bytes) -> str:
        """Store a manifest under a tag, as if it had been pushed before the front began."""
        digest = digest_of(content)
        self.manifests[repository, digest] = content
        self.tags.setdefault(repository, {})[tag] = digest
        return digest

    def manifest(self, request: Request, repository: str, ref: str, body: bytes) -> Response:
        """Give, take or drop a manifest."""
        if request.method == "PUT":
            digest = self.put(repository, ref, body)
            return Response(status_code=CREATED, headers={"docker-content-digest": digest})
        digest = self.tags.get(repository, {}).get(ref, ref)
        content = self.manifests.get((repository, digest))
        if content is None:
            return error(NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown")
        if request.method == "DELETE":
            del self.tags[repository][ref]
            return Response(status_code=ACCEPTED)
        media_type = json.loads(content)["mediaType"]
        if media_type == OCI_MANIFEST and OCI_MANIFEST not in request.headers.get("accept", ""):
            sentence = "OCI manifest found, but accept header does not support OCI manifests"
            return error(NOT_FOUND, "MANIFEST_UNKNOWN", sentence)
        headers = {"docker-content-digest": digest, "etag": f'"{digest}"', "date": "long ago"}
        return Response(content, headers=headers, media_type=media_type)

    def blob(self, repository: str, digest: str) -> Response:
        """Give a blob."""
        content = self.blobs.get((repository, digest))
        if content is None:
            return error(NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry")
        headers = {"docker-content-digest": digest, "accept-ranges": "bytes"}
        return Response(content, headers=headers, media_type="application/octet-stream")

    def upload(self, request: Request, repository: str, upload: str, body: bytes) -> Response:
        """Take a blob."""
        query = request.query_params
        mounted = self.blobs.get((query.get("from", ""), query.get("mount", "")))
        if mounted is not None:
            return self.stored(repository, mounted)
        if request.method == "POST":
            upload = f"upload-{next(self._ids)}"
            self.uploads[upload] = b""
        if upload not in self.uploads or query.get("_state", "s") != "s":
            return error(NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        self.uploads[upload] += body
        if request.method == "PUT":
            return self.stored(repository, self.uploads.pop(upload))
        headers = {
            "location": f"http://storage/v2/{repository}/blobs/uploads/{upload}?_state=s",
            "docker-upload-uuid": upload,
            "range": f"0-{max(0, len(self.uploads[upload]) - 1)}",
        }
        return Response(
            status_code=NO_CONTENT if request.method == "GET" else ACCEPTED, headers=headers
        )

    def stored(self, repository: str, content: bytes) -> Response:
        """Keep a blob and say so."""
        digest = digest_of(content)
        self.blobs[repository, digest] = content
        headers = {
            "location": f"http://storage/v2/{repository}/blobs/{digest}",
            "docker-content-digest": digest,
        }
        return Response(status_code=CREATED, headers=headers)

    def list_tags(self, repository: str) -> Response:
        """List tags as distribution does: in lexical order, all at once."""
        if repository not in self.tags:
            return error(NOT_FOUND, "NAME_UNKNOWN", "repository name not known to registry")
        return JSONResponse({"name": repository, "tags": sorted(self.tags[repository])})


def error(status: int, code: str, message: str) -> Response:
    """Return an error with a detail, as distribution has them."""
    entry = {"code": code, "message": message, "detail": {"name": "a path on the disk"}}
    return JSONResponse({"errors": [entry]}, status)


@dataclass
class Ghcr:
    """The stand-in, its world, and a way to ask it as one of the world's callers."""

    state: State
    storage: Storage
    log: AccessLog
    lines: list[str]

    def __post_init__(self) -> None:
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.storage), base_url="http://storage"
        )
        self.switches = Switches()
        self.front = create_front(self.state, self._client, self.log, self.switches)
        self.control_app = create_control(
            self.state, self.log, SECRET, registry=self._client, switches=self.switches
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        caller: str = "nobody",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send one request to the front; see authorization() for the callers.

        A path may be a whole address, of another name that the front answers to.
        """
        given = {**self.authorization(caller), **(headers or {})}
        url = path if path.startswith("https:") else f"https://ghcr.io{path}"
        return send(self.front, method, url, given, content)

    def token_for(self, caller: str, scope: str = "") -> httpx.Response:
        """Ask /token, with Basic for a credential's name, and with nothing for `nobody`."""
        given = {} if caller == "nobody" else self.authorization(f"basic {caller}")
        query = f"?scope={scope}&service=ghcr.io" if scope else "?service=ghcr.io"
        return send(self.front, "GET", f"https://ghcr.io/token{query}", given, None)

    def authorization(self, caller: str) -> dict[str, str]:
        """Return the header for `nobody`, `anybody`, `NAME`, `basic NAME`, `pat NAME`, `raw TEXT`.

        `anybody` and `NAME` go through /token, as a client does.
        """
        match caller.split(" ", 1):
            case ["nobody"]:
                return {}
            case ["anybody"]:
                given = self.token_for("nobody", "repository:bytequester/open:pull")
            case ["basic", name]:
                return {"Authorization": "Basic " + base64_of(f"anyone:ghp_{name}")}
            case ["pat", name]:
                return {"Authorization": "Bearer " + base64_of(f"ghp_{name}")}
            case ["raw", text]:
                return {"Authorization": text}
            case _:
                given = self.token_for(caller)
        return {"Authorization": "Bearer " + given.json()["token"]}

    def control(
        self, method: str, path: str, content: object = None, *, secret: str | None = SECRET
    ) -> httpx.Response:
        """Send one request to the control port; bytes go as they are, the rest as JSON."""
        given = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return send(self.control_app, method, f"http://control{path}", given, body)

    def last_entry(self) -> object:
        """Return the newest entry of the log."""
        return list(self.log.find(Query()))[-1]


async def until(what, seen, *, within=5.0):
    """Wait for something to become true."""
    deadline = time.monotonic() + within
    while not seen():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        await asyncio.sleep(0.01)


def base64_of(text: str) -> str:
    """Return the base64 of a text."""
    return base64.b64encode(text.encode()).decode()


def send(
    app: object, method: str, url: str, headers: dict[str, str], body: bytes | None
) -> httpx.Response:
    """Send one request to an application."""

    async def exchange() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.request(method, url, headers=headers, content=body)

    return asyncio.run(exchange())


def credential(name: str, login: str, *scopes: str, **flags: bool) -> Credential:
    """Return a credential whose token is `ghp_` and its name."""
    return Credential(name, fingerprint(f"ghp_{name}"), login, frozenset(scopes), **flags)


@pytest.fixture(name="ghcr")
def _ghcr() -> Ghcr:
    state, storage, lines = State(), Storage(), []
    for row in (
        credential("reader", "ByteQuester", "read:packages"),
        credential("writer", "ByteQuester", "write:packages"),
        credential("scopeless", "ByteQuester", "repo"),
        credential("colleague", "Colleague", "read:packages", "write:packages"),
        credential("builder", "Builder", "write:packages"),
        credential("maker", "Maker", "write:packages"),
        credential("stranger", "Stranger", "read:packages", "write:packages"),
        credential("expired", "ByteQuester", "read:packages", expired=True),
        credential("revoked", "ByteQuester", "read:packages", revoked=True),
    ):
        state.put_credential(row)
    state.put_owner(Owner("bytequester", frozenset({"maker"})))
    for name, visibility in (
        ("open", Visibility.PUBLIC),
        ("closed", Visibility.PRIVATE),
        ("inner", Visibility.INTERNAL),
    ):
        readers, writers = frozenset({"colleague"}), frozenset({"builder"})
        package = Package("bytequester", name, visibility, readers, writers)
        state.put_package(package)
        storage.put(package.repository, "v1", manifest(name))
        storage.put(package.repository, "multi", manifest(name, OCI_INDEX))
        storage.blobs[package.repository, digest_of(LAYER)] = LAYER
    return Ghcr(state, storage, AccessLog(sink=lines.append), lines)
