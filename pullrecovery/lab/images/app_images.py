"""Build the target's application images once, and push them with a new digest each time."""

import gzip
import json
import os
import shutil
import tarfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import docker
import httpx

from pullrecovery.common.errors import LabError
from pullrecovery.lab.images import oci_layout as oci
from pullrecovery.lab.images.dockerfile import check_dockerfile
from pullrecovery.lab.paths import LABEL
from pullrecovery.lab.tools import toolchain
from pullrecovery.lab.tools.content_cache import key_of, whole_folder
from pullrecovery.lab.tools.toolchain import Toolchain
from pullrecovery.model.probe import Credential, Probe
from pullrecovery.model.target import Image
from pullrecovery.registry.client import RegistryClient

# The media types of an engine's `docker push`: docker 20.10, which a runner with Debian's packages
# has, does not find an OCI manifest.
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@dataclass(frozen=True)
class App:
    """An application image as files: its configuration and its compressed layers."""

    folder: Path

    @property
    def config(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "config.json").read_text()))

    @property
    def layers(self) -> list[dict[str, Any]]:
        """Return the layer descriptors; each layer's blob is a file named by its digest."""
        return list(json.loads((self.folder / "layers.json").read_text()))

    def blob(self, digest: str) -> Path:
        return self.folder / digest.replace(":", "-")


def build_app(
    client: docker.DockerClient, tools: Toolchain, source: Path, note: Callable[[str], None]
) -> App:
    """Build `source`/Dockerfile on web-base with the engine, and cache the result as files.

    Raises UsageError for a Dockerfile that makes the engine fetch an address.
    """
    check_dockerfile(source / "Dockerfile")
    web_base = toolchain.WEB_BASE
    key = key_of([Path(__file__), source, web_base.source, tools.folder(web_base).name])
    folder = tools.paths.cache / "apps" / f"{source.name}-{key}"
    if not folder.exists():
        note(f"building the image of {source.name}")
        base = _build_web_base(client, tools)
        tag = f"pull-recovery/{source.name}:{key}"
        _build(client, source, tag, BASE=base)
        with whole_folder(folder) as scratch:
            kept(client, tag, scratch)
    return App(folder)


def build_web_base(client: docker.DockerClient, tools: Toolchain) -> App:
    """Build the static server as its own image, for Dockerfiles that are built on it."""
    folder = tools.paths.cache / "apps" / f"web-base-{_web_base_key(tools)}"
    if not folder.exists():
        tag = _build_web_base(client, tools)
        with whole_folder(folder) as scratch:
            kept(client, tag, scratch)
    return App(folder)


def _web_base_key(tools: Toolchain) -> str:
    return tools.folder(toolchain.WEB_BASE).name.rpartition("-")[2]


def _build_web_base(client: docker.DockerClient, tools: Toolchain) -> str:
    """Build the static server's image in the engine; its binary comes from the toolchain."""
    binary = tools.binary(toolchain.WEB_BASE)
    tag = f"pull-recovery/web-base:{_web_base_key(tools)}"
    with whole_folder(tools.paths.cache / "web-base-context") as context:
        shutil.copy2(binary, context / "web-base")
        shutil.copy2(toolchain.WEB_BASE.source / "Dockerfile", context / "Dockerfile")
        _build(client, context, tag)
    return tag


def _build(client: docker.DockerClient, context: Path, tag: str, **arguments: str) -> None:
    """Build without a network.

    The proxies of the user's docker client are not used, because they may contain passwords.
    """
    client.images.build(
        path=str(context),
        tag=tag,
        rm=True,
        forcerm=True,
        network_mode="none",
        use_config_proxy=False,
        buildargs=arguments,
        labels={LABEL: "image"},
    )


def kept(client: docker.DockerClient, tag: str, target: Path, packed: Path | None = None) -> None:
    """Export an image from the engine: its configuration and its compressed layers.

    `packed` is a cache of compressed layers, for large ones that are exported repeatedly.
    """
    archive = target / "image.tar"
    with archive.open("wb") as file:
        for chunk in client.images.get(tag).save(named=True):
            file.write(chunk)
    with tarfile.open(archive) as tar:
        listing = json.loads(_member(tar, "manifest.json"))[0]
        (target / "config.json").write_bytes(_member(tar, listing["Config"]))
        layers = [_keep_layer(_member(tar, name), target, packed) for name in listing["Layers"]]
    (target / "layers.json").write_text(json.dumps(layers))
    archive.unlink()


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.getmember(name)
    file = tar.extractfile(
        tar.getmember(str(Path(name).parent / member.linkname)) if member.issym() else member
    )
    if file is None:
        raise LabError(f"The engine's archive has no file {name}.")
    return file.read()


def _keep_layer(layer: bytes, target: Path, packed: Path | None) -> dict[str, Any]:
    known = packed / oci.digest_of(layer).replace(":", "-") if packed else None
    if known and known.exists():
        content = known.read_bytes()
    else:
        content = gzip.compress(layer, mtime=0)
        if known:
            known.parent.mkdir(parents=True, exist_ok=True)
            beside = known.with_suffix(f".{os.getpid()}")
            beside.write_bytes(content)
            beside.replace(known)
    digest = oci.digest_of(content)
    (target / digest.replace(":", "-")).write_bytes(content)
    return _described(content)


def _described(packed: bytes) -> dict[str, Any]:
    return {"mediaType": _LAYER, "digest": oci.digest_of(packed), "size": len(packed)}


def _with_layer(rootfs: dict[str, Any], packed: bytes) -> dict[str, Any]:
    """Return `rootfs` with one more layer; its diff_ids are of the uncompressed layers."""
    unpacked = oci.digest_of(gzip.decompress(packed))
    return {**rootfs, "diff_ids": [*rootfs["diff_ids"], unpacked]}


@dataclass(frozen=True)
class Pusher:
    """Push images to the lab's ghcr.io as any client does, with a credential that may write."""

    registry: RegistryClient
    credential: Credential

    def push(self, app: App, image: Image, *, architecture: str = "", layer: bytes = b"") -> str:
        """Push `app` under `image` with a new configuration; return the digest.

        `architecture` replaces the image's own, and `layer` is one more layer, compressed.
        """
        token = self.registry.token(image.package, "pull,push", self.credential)
        if isinstance(token, Probe):
            raise LabError(f"The lab may not push {image.reference}: {token}")
        upload = _Upload(self.registry, image.package, token)
        for each in app.layers:
            upload.blob(each["digest"], app.blob(each["digest"]).read_bytes())
        settings, layers = _fresh(app.config), app.layers
        if architecture:
            settings["architecture"] = architecture
        if layer:
            upload.blob(oci.digest_of(layer), layer)
            layers = [*layers, _described(layer)]
            settings["rootfs"] = _with_layer(settings["rootfs"], layer)
        config = oci.encode(settings)
        upload.blob(oci.digest_of(config), config)
        document = oci.encode(_manifest(config, layers))
        upload.manifest(image.tag, document)
        return oci.digest_of(document)


def _manifest(config: bytes, layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an image manifest, version 2, schema 2."""
    described = {"mediaType": _CONFIG, "digest": oci.digest_of(config), "size": len(config)}
    return {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": described,
        "layers": layers,
    }


def _fresh(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with a label and a time that no other image has."""
    settings = dict(config.get("config") or {})
    settings["Labels"] = {
        **(settings.get("Labels") or {}),
        "dev.pullrecovery.push": uuid.uuid4().hex,
    }
    return {**config, "config": settings, "created": datetime.now(UTC).isoformat()}


@dataclass(frozen=True)
class _Upload:
    registry: RegistryClient
    package: str
    token: str

    def blob(self, digest: str, data: bytes) -> None:
        # The registry answers 307 for a blob that exists, to where it can be read.
        found = self._call("HEAD", f"blobs/{digest}", ok=(200, 307, 404))
        if found.status_code != httpx.codes.NOT_FOUND:
            return
        started = self._call("POST", "blobs/uploads/", ok=(202,))
        place = urljoin(f"https://{self.registry.host}/v2/", started.headers["location"])
        query = f"{'&' if '?' in place else '?'}digest={digest}"
        self._send("PUT", place + query, (201,), content=data)

    def manifest(self, tag: str, document: bytes) -> None:
        kind = {"Content-Type": _MANIFEST}
        self._call("PUT", f"manifests/{tag}", ok=(201,), content=document, headers=kind)

    def _call(
        self, method: str, path: str, *, ok: tuple[int, ...], **request: Any
    ) -> httpx.Response:
        url = f"https://{self.registry.host}/v2/{self.package}/{path}"
        return self._send(method, url, ok, **request)

    def _send(self, method: str, url: str, ok: tuple[int, ...], **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **request.pop("headers", {})}
        answer = self.registry.http.request(method, url, headers=headers, **request)
        if answer.status_code not in ok:
            raise LabError(
                f"Pushing to the lab: {method} {url}: {answer.status_code} {answer.text}"
            )
        return answer
