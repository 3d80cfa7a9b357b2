"""The emulator over ASGI: its application and its control port, with a storage of its own."""

import asyncio
import base64
import hashlib
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ghcr_emulator.access_log.log import AccessLog, Query
from ghcr_emulator.app import create_app
from ghcr_emulator.control_api.app import create_control
from ghcr_emulator.faults.matching import Switches
from ghcr_emulator.registry_api.upstream_proxy import ANY_MANIFEST
from ghcr_emulator.state.accounts import AccountToken, Owner, Package, PackageVisibility
from ghcr_emulator.state.state import State
from ghcr_emulator.state.tokens import fingerprint
from ghcr_emulator.storage.distribution import registry_config
from ghcr_emulator.storage.files import opened
from ghcr_emulator.storage.in_process import InProcess
from ghcr_emulator.storage.registry import Registry
from pullrecovery.common.wait import wait_for

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
SECRET = "the-control-secret-of-the-tests"

LAYER = b"a layer" * 100
CONFIG = b"{}"
STORED = "http://storage"


def digest_of(content: bytes) -> str:
    """Return the sha256 digest of some bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def manifest(name: str, media_type: str = OCI_MANIFEST) -> bytes:
    """Return the bytes of a manifest that differs by name, of no content but CONFIG."""
    document = {"schemaVersion": 2, "mediaType": media_type, "annotations": {"name": name}}
    if media_type == OCI_INDEX:
        return json.dumps({**document, "manifests": []}).encode()
    config = {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": digest_of(CONFIG),
        "size": len(CONFIG),
    }
    return json.dumps({**document, "config": config, "layers": []}).encode()


class Storage:
    """The storage behind the emulator, which tests read and write directly.

    It is the emulator's own storage; with --distribution it is CNCF distribution.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, ask: Callable[..., httpx.Response]):
        """Take the emulator's transport and the tests' own; `seen` are the emulator's requests."""
        self.seen: list[httpx.Request] = []
        self._configured: set[str] = set()
        self.ask = ask

        async def note(request: httpx.Request) -> None:
            self.seen.append(request)

        self.client = httpx.AsyncClient(
            transport=transport, base_url="http://storage", event_hooks={"request": [note]}
        )

    def put(self, repository: str, tag: str, content: bytes) -> str:
        """Store a manifest under a tag, as if it had been pushed before the emulator started."""
        if repository not in self._configured:
            self._configured.add(repository)
            self.put_blob(repository, CONFIG)
        given = {"content-type": json.loads(content)["mediaType"]}
        path = f"/v2/{repository}/manifests/{tag}"
        answer = self.ask("PUT", path, headers=given, content=content).raise_for_status()
        return answer.headers["docker-content-digest"]

    def put_image(self, repository: str, tag: str, name: str = "") -> str:
        """Store an image that differs from others by name."""
        return self.put(repository, tag, manifest(name))

    def put_blob(self, repository: str, content: bytes) -> str:
        """Store a blob without the emulator."""
        begun = self.ask("POST", f"/v2/{repository}/blobs/uploads/").raise_for_status()
        end = httpx.URL(begun.headers["location"]).copy_merge_params({"digest": digest_of(content)})
        self.ask("PUT", str(end), content=content).raise_for_status()
        return digest_of(content)

    def tags(self, repository: str) -> dict[str, str]:
        """Return the digests of a repository's tags."""
        listed = self.ask("GET", f"/v2/{repository}/tags/list").json().get("tags", ())
        heads = {tag: self.manifest(repository, tag, "HEAD") for tag in listed}
        return {tag: answer.headers["docker-content-digest"] for tag, answer in heads.items()}

    def manifest(self, repository: str, reference: str, method: str = "GET") -> httpx.Response:
        """Return the answer for a manifest of any type."""
        path, every = f"/v2/{repository}/manifests/{reference}", {"accept": ANY_MANIFEST}
        return self.ask(method, path, headers=every)

    def blob(self, repository: str, digest: str) -> httpx.Response:
        """Return the answer for a blob."""
        return self.ask("GET", f"/v2/{repository}/blobs/{digest}")


@dataclass
class Ghcr:
    """The emulator, its world, and a client for each of the world's callers."""

    state: State
    storage: Storage
    log: AccessLog
    lines: list[str]

    def __post_init__(self) -> None:
        self._client = self.storage.client
        self.switches = Switches()
        self.emulator = create_app(self.state, self._client, self.log, self.switches)
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
        """Send one request to the emulator; authorization() lists the callers."""
        given = {**self.authorization(caller), **(headers or {})}
        url = path if path.startswith("https:") else f"https://ghcr.io{path}"
        return send(self.emulator, method, url, given, content)

    def token_for(self, caller: str, scope: str = "") -> httpx.Response:
        """Ask /token, with Basic for a credential's name, and with nothing for `nobody`."""
        given = {} if caller == "nobody" else self.authorization(f"basic {caller}")
        query = f"?scope={scope}&service=ghcr.io" if scope else "?service=ghcr.io"
        return send(self.emulator, "GET", f"https://ghcr.io/token{query}", given, None)

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
    """Wait until `seen` returns true."""
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
    return asyncio.run(exchange(app, method, url, headers, body))


async def exchange(
    app: object,
    method: str,
    url: str,
    headers: dict[str, str] | None = None,
    content: bytes | None = None,
) -> httpx.Response:
    """Send one request to an application."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=STORED) as client:
        return await client.request(method, url, headers=headers, content=content)


def credential(name: str, login: str, *scopes: str, **flags: bool) -> AccountToken:
    """Return a credential whose token is `ghp_` and its name."""
    return AccountToken(name, fingerprint(f"ghp_{name}"), login, frozenset(scopes), **flags)


@pytest.fixture(name="storage")
def _storage(tmp_path, request) -> Iterator[Storage]:
    binary = request.config.getoption("--distribution")
    if binary is None:
        with opened(tmp_path / "storage") as files, asyncio.Runner() as runner:
            app = Registry(files)
            yield Storage(
                InProcess(app), lambda *args, **kw: runner.run(exchange(app, *args, **kw))
            )
        return
    with distribution(binary, tmp_path / "storage") as address:
        # Each request of a test has an event loop of its own.
        never = httpx.Limits(max_keepalive_connections=0)
        transport = httpx.AsyncHTTPTransport(uds=address, limits=never)
        with httpx.Client(transport=httpx.HTTPTransport(uds=address), base_url=STORED) as client:
            yield Storage(transport, client.request)


@contextmanager
def distribution(binary: Path, root: Path) -> Iterator[str]:
    """Run CNCF distribution for one test; yield the path of its socket."""
    with tempfile.TemporaryDirectory() as folder:
        address, config = f"{folder}/socket", Path(folder) / "config.json"
        config.write_text(json.dumps(registry_config(root, {"net": "unix", "addr": address})))
        with subprocess.Popen([binary, "serve", config], stderr=subprocess.DEVNULL) as process:
            try:
                wait_for("distribution answers", lambda: Path(address).exists(), bool, timeout=60)
                yield address
            finally:
                process.kill()


@pytest.fixture(name="ghcr")
def _ghcr(storage) -> Ghcr:
    state, lines = State(), []
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
        ("open", PackageVisibility.PUBLIC),
        ("closed", PackageVisibility.PRIVATE),
        ("inner", PackageVisibility.INTERNAL),
    ):
        readers, writers = frozenset({"colleague"}), frozenset({"builder"})
        package = Package("bytequester", name, visibility, readers, writers)
        state.put_package(package)
        storage.put(package.repository, "v1", manifest(name))
        storage.put(package.repository, "multi", manifest(name, OCI_INDEX))
        storage.put_blob(package.repository, LAYER)
    return Ghcr(state, storage, AccessLog(sink=lines.append), lines)
