"""A large layer that is never completely in memory, and functions to push and pull it."""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from devtools.bench.client import Client, wanted
from pullrecovery.common.errors import LabError

MEGABYTE: Final = 1_000_000
MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_EMPTY: Final = b"{}"


@dataclass(frozen=True)
class RandomLayer:
    """A layer of `megabytes` random blocks, which differ in their first eight bytes."""

    megabytes: int
    _block: bytes

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return self.megabytes * MEGABYTE

    @cached_property
    def digest(self) -> str:
        """Return the sha256 digest; reads the whole layer once."""
        sum_of = hashlib.sha256()
        for block in self.blocks():
            sum_of.update(block)
        return f"sha256:{sum_of.hexdigest()}"

    def blocks(self) -> Iterator[bytes]:
        """Yield the content."""
        rest = memoryview(self._block)[8:]
        for number in range(self.megabytes):
            yield number.to_bytes(8, "big") + rest


def random_layer(megabytes: int) -> RandomLayer:
    """Return a new random layer, which no registry has."""
    return RandomLayer(megabytes, secrets.token_bytes(MEGABYTE))


def push(client: Client, repository: str, layer: RandomLayer) -> None:
    """Push the layer in one request; raises LabError if the registry does not accept it."""
    _push_blob(client, repository, layer.digest, layer.size, layer.blocks())


def pull(client: Client, repository: str, layer: RandomLayer) -> None:
    """Pull the layer and count its bytes; raises LabError if the count is wrong."""
    answer = client.ask("GET", f"/v2/{repository}/blobs/{layer.digest}")
    size = wanted(answer, 200, "a layer").size
    if size != layer.size:
        raise LabError(f"The layer has {layer.size} bytes, and {size} came.")


def check(client: Client, repository: str, layer: RandomLayer) -> None:
    """Pull the layer and check its digest, which the timed pulls do not."""
    found = client.ask("GET", f"/v2/{repository}/blobs/{layer.digest}", sum_up=True).digest
    if found != layer.digest:
        raise LabError(f"The layer {layer.digest} came as {found}.")


def push_manifest(client: Client, repository: str, tag: str, layer: RandomLayer) -> str:
    """Push an image of the layer, which must be pushed already, under a tag; return its digest."""
    config = f"sha256:{hashlib.sha256(_EMPTY).hexdigest()}"
    _push_blob(client, repository, config, len(_EMPTY), iter([_EMPTY]))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": _CONFIG, "digest": config, "size": len(_EMPTY)},
        "layers": [{"mediaType": _LAYER, "digest": layer.digest, "size": layer.size}],
    }
    content = json.dumps(manifest).encode()
    path = f"/v2/{repository}/manifests/{tag}"
    answer = client.ask("PUT", path, headers={"Content-Type": MANIFEST}, body=content)
    wanted(answer, 201, "a manifest")
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _push_blob(
    client: Client, repository: str, digest: str, size: int, content: Iterator[bytes]
) -> None:
    begun = client.ask("POST", f"/v2/{repository}/blobs/uploads/", body=b"")
    where = wanted(begun, 202, "an upload").headers["location"]
    where += f"{'&' if '?' in where else '?'}digest={digest}"
    headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
    wanted(client.ask("PUT", where, headers=headers, body=content), 201, "a blob")
