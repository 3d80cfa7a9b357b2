"""Push images that exist but cannot run, such as images for another processor."""

import io
import secrets
import tarfile
from dataclasses import dataclass, replace

from pullrecovery.lab.images import oci_layout as oci
from pullrecovery.lab.images.app_images import App, Pusher
from pullrecovery.lab.registry.tagging import Manifest, Tags
from pullrecovery.model.target import Image

# A list with the media type that docker 20.10 reads too.
_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_MACHINES = {"amd64": 0x3E, "arm64": 0xB7}
_EXECUTABLE = 2


def other_processor(architecture: str) -> str:
    """Return a processor that does not run programs for `architecture`."""
    return "arm64" if architecture == "amd64" else "amd64"


@dataclass(frozen=True)
class Variants:
    """Push variants of `app`, each with a unique digest."""

    pusher: Pusher
    app: App

    def for_another_processor(self, image: Image) -> str:
        """Push a single image whose program the node's kernel cannot execute."""
        machine = other_processor(self.app.config["architecture"])
        program = str(self.app.config["config"]["Entrypoint"][0])
        layer = _layer(program, _header(_MACHINES[machine]), 0o755)
        return self.pusher.push(self.app, image, architecture=machine, layer=layer)

    def list_without_the_node(self, image: Image) -> str:
        """Push a list of images without one for the node's processor."""
        machine = other_processor(self.app.config["architecture"])
        beside = replace(image, tag=f"{image.tag[:40]}-{machine}")
        digest = self.pusher.push(self.app, beside, architecture=machine)
        tags = Tags(self.pusher.registry, self.pusher.credential)
        child = tags.read(image.package, digest)
        entry = {
            "mediaType": child.media_type,
            "digest": digest,
            "size": len(child.content),
            "platform": {"os": "linux", "architecture": machine},
        }
        document = oci.encode({"schemaVersion": 2, "mediaType": _LIST, "manifests": [entry]})
        tags.write(image.package, image.tag, Manifest(document, _LIST))
        return oci.digest_of(document)

    def with_own_layer(self, image: Image) -> str:
        """Push an image with a layer that no other image has; return the layer's digest."""
        layer = _layer("/own", secrets.token_bytes(64), 0o644)
        self.pusher.push(self.app, image, layer=layer)
        return oci.digest_of(layer)


def _layer(path: str, content: bytes, mode: int) -> bytes:
    """Return a compressed layer with one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size, entry.mode = len(content), mode
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _header(machine: int) -> bytes:
    """Return the ELF header of a 64-bit program, from which the kernel reads the machine."""
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    kinds = _EXECUTABLE.to_bytes(2, "little") + machine.to_bytes(2, "little")
    return (ident + kinds + (1).to_bytes(4, "little")).ljust(256, b"\0")
