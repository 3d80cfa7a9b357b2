"""Broken images, as they are pushed."""

import gzip
import io
import json
import tarfile

import pytest

from pullrecovery.lab.images.oci_layout import digest_of
from pullrecovery.lab.registry import broken_images as variants
from pullrecovery.lab.registry.broken_images import Variants, other_processor
from pullrecovery.lab.registry.tagging import Manifest
from pullrecovery.model.target import Image

IMAGE = Image("ghcr.io/bytequester/backend", "v1")
CONFIG = {"architecture": "amd64", "config": {"Entrypoint": ["/web-base"]}}


class App:
    """An application image for one processor."""

    config = CONFIG


class Pusher:
    """A fake pusher that stores its input."""

    registry = credential = None

    def __init__(self):
        self.pushed = []

    def push(self, app, image, **variant):
        self.pushed.append((image, variant))
        return "sha256:pushed"


class Tags:
    """A fake registry with one manifest, which stores what is written."""

    written = ()

    def __init__(self, *_):
        pass

    def read(self, *_):
        return Manifest(b"{}", "application/x")

    def write(self, package, tag, manifest):
        Tags.written = (package, tag, manifest)


@pytest.mark.parametrize(("node", "other"), [("amd64", "arm64"), ("arm64", "amd64")])
def test_other_processor_is_not_the_nodes(node, other):
    """The other processor differs from the lab's, on any machine."""
    assert other_processor(node) == other


def test_program_of_other_platform_is_replaced():
    """The program has its usual format with the other machine's number, which the kernel reads."""
    pusher = Pusher()

    Variants(pusher, App()).for_another_processor(IMAGE)

    ((image, variant),) = pusher.pushed
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(variant["layer"]))) as tar:
        (entry,) = tar.getmembers()
        program = tar.extractfile(entry).read()
    assert (image, variant["architecture"]) == (IMAGE, "arm64")
    assert (entry.name, entry.mode) == ("web-base", 0o755)
    assert program[:4] == b"\x7fELF"
    assert int.from_bytes(program[18:20], "little") == 0xB7


def test_index_names_other_platform_only(monkeypatch):
    """The image is pushed under a tag of its own."""
    monkeypatch.setattr(variants, "Tags", Tags)
    pusher = Pusher()

    digest = Variants(pusher, App()).list_without_the_node(IMAGE)

    package, tag, manifest = Tags.written
    document = json.loads(manifest.content)
    assert (package, tag) == ("bytequester/backend", "v1")
    assert digest == digest_of(manifest.content)
    assert document["mediaType"] == manifest.media_type
    assert [each["platform"] for each in document["manifests"]] == [
        {"os": "linux", "architecture": "arm64"}
    ]
    assert pusher.pushed[0][0].tag == "v1-arm64"


def test_own_layer_is_another_one_every_time():
    """A unique layer affects no other image."""
    pusher = Pusher()
    own = Variants(pusher, App())

    digests = {own.with_own_layer(IMAGE), own.with_own_layer(IMAGE)}

    assert len(digests) == 2
    assert {digest_of(variant["layer"]) for _, variant in pusher.pushed} == digests
