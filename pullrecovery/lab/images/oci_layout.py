"""Make OCI images without an engine: layers, configurations, manifests and layouts.

Source: the OCI image specification v1.1, https://github.com/opencontainers/image-spec.
"""

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


def digest_of(data: bytes) -> str:
    """Return `sha256:…` of `data`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def digest_of_file(path: Path) -> str:
    """Return `sha256:…` of a file, read in pieces."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


@dataclass(frozen=True)
class Layer:
    """An uncompressed layer tar on disk; its digest is its diff id."""

    path: Path
    digest: str
    size: int

    @classmethod
    def of(cls, path: Path) -> "Layer":
        return cls(path, digest_of_file(path), path.stat().st_size)

    @property
    def descriptor(self) -> dict[str, Any]:
        return {"mediaType": LAYER, "digest": self.digest, "size": self.size}


def binary_layer(target: Path, files: Mapping[str, Path]) -> Layer:
    """Write a layer with `files` (path in the image → file) as executables owned by root."""
    with tarfile.open(target, "w") as tar:
        for name, source in sorted(files.items()):
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.size, entry.mode = source.stat().st_size, 0o755
            with source.open("rb") as file:
                tar.addfile(entry, file)
    return Layer.of(target)


def encode(document: Mapping[str, Any]) -> bytes:
    """Return the JSON to store: sorted keys, no spaces."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def image_config(
    arch: str, diff_ids: Iterable[str], config: Mapping[str, Any], created: str = ""
) -> dict[str, Any]:
    """Return an image configuration for linux on `arch`; `created` is RFC 3339."""
    document: dict[str, Any] = {
        "architecture": arch,
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
    }
    return {**document, "created": created} if created else document


def manifest(config: bytes, layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a manifest for `config` and layer descriptors."""
    described = {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)}
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described,
        "layers": [dict(layer) for layer in layers],
    }


def write_layout(folder: Path, config: bytes, layers: Iterable[Path], tag: str) -> bytes:
    """Write one image as the OCI layout `folder`; return the bytes of its manifest.

    `layers` are files of gzipped tars, the lowest first; `tag` is the image's name in the layout.
    """
    listed = []
    for layer in layers:
        digest = digest_of_file(layer)
        target = folder / _blob(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(layer, target)
        size = layer.stat().st_size
        listed.append({"mediaType": f"{LAYER}+gzip", "digest": digest, "size": size})
    document = encode(manifest(config, listed))
    settings = json.loads(config)
    described = {
        "mediaType": MANIFEST,
        "digest": digest_of(document),
        "size": len(document),
        "annotations": {"org.opencontainers.image.ref.name": tag},
        "platform": {"architecture": settings["architecture"], "os": settings["os"]},
    }
    for content in (config, document):
        (folder / _blob(digest_of(content))).write_bytes(content)
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [described]}
    (folder / "index.json").write_bytes(encode(index))
    (folder / "oci-layout").write_bytes(_LAYOUT)
    return document


@dataclass
class LayoutWriter:
    """Write an OCI layout as one tar, in which every image has its full name."""

    tar: tarfile.TarFile
    arch: str

    def __post_init__(self) -> None:
        self._written: set[str] = set()
        self._index: list[dict[str, Any]] = []
        self._file("oci-layout", _LAYOUT)

    def add(self, name: str, layers: Iterable[Layer], config: Mapping[str, Any]) -> None:
        """Add the image `name` (repository:tag) of `layers`."""
        layers = list(layers)
        for layer in layers:
            if layer.digest not in self._written:
                self._written.add(layer.digest)
                self.tar.add(layer.path, _blob(layer.digest))
        settings = encode(image_config(self.arch, (layer.digest for layer in layers), config))
        document = encode(manifest(settings, (layer.descriptor for layer in layers)))
        self._file(_blob(digest_of(settings)), settings)
        self._file(_blob(digest_of(document)), document)
        self._index.append(
            {
                "mediaType": MANIFEST,
                "digest": digest_of(document),
                "size": len(document),
                "annotations": {"io.containerd.image.name": name},
                "platform": {"architecture": self.arch, "os": "linux"},
            }
        )

    def close(self) -> None:
        """Write the index; call it last."""
        self._file(
            "index.json",
            encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": self._index}),
        )

    def _file(self, name: str, data: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        self.tar.addfile(entry, io.BytesIO(data))


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
