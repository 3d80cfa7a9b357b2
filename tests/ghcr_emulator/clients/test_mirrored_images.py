"""An image of another registry that is copied into the emulator with its digest."""

import hashlib
import json

import httpx
import pytest

from pullrecovery.gate.run.mirror import Side, mirror
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Image
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.image_copy import TransferError

PACKAGE = "bytequester/closed"
IMAGE = Image(f"ghcr.io/{PACKAGE}", "v9")
OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
READER = Credential("ByteQuester", "ghp_" + "real" * 9)
WRITER, MERE_READER = Credential("ByteQuester", "ghp_writer"), Credential("B", "ghp_reader")
BLOBS = {f"sha256:{hashlib.sha256(each).hexdigest()}": each for each in (b"{}", b"layer" * 999)}


def _digest(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _manifest(name):
    config, layer = ({"digest": digest} for digest in BLOBS)
    described = {"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": [layer]}
    return json.dumps(described | {"annotations": {"name": name}}).encode()


ONE, OTHER = _manifest("one"), _manifest("other")
ENTRIES = [{"digest": _digest(each), "mediaType": OCI} for each in (ONE, OTHER)]
BOTH = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": ENTRIES}).encode()


class Real:
    """A fake of the real registry: its content on two hosts, for callers with its token."""

    def __init__(self, **spoilt):
        self.manifests = {_digest(each): each for each in (ONE, OTHER, BOTH)}
        self.spoilt = spoilt

    def __call__(self, request):
        path = request.url.path
        if path == "/token":
            known = READER.auth in request.headers.get("authorization", "")
            return httpx.Response(200, json={"token": "dG9r"}) if known else httpx.Response(403)
        if request.url.host == "blobs.example":
            assert "authorization" not in request.headers
            content = self.spoilt.get("blob", BLOBS[path.removeprefix("/")])
            return httpx.Response(200, content=content)
        name, _, digest = path.removeprefix(f"/v2/{PACKAGE}/").partition("/")
        if name == "blobs":
            return httpx.Response(307, headers={"location": f"https://blobs.example/{digest}"})
        content = self.spoilt.get("manifest", self.manifests.get(digest))
        if content is None:
            return httpx.Response(404, text="MANIFEST_UNKNOWN")
        kind = json.loads(content)["mediaType"]
        return httpx.Response(200, content=content, headers={"content-type": kind})


def real(**spoilt):
    """Return the registry that is read from."""
    client = httpx.Client(transport=httpx.MockTransport(Real(**spoilt)))
    return Side(RegistryClient("ghcr.io", client), READER)


@pytest.fixture(name="lab")
def _lab(ghcr):
    def take(request):
        content = request.read()
        answer = ghcr.ask(
            request.method, str(request.url), headers=dict(request.headers), content=content
        )
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def side(credential=WRITER):
        client = httpx.Client(transport=httpx.MockTransport(take))
        return Side(RegistryClient("ghcr.io", client), credential)

    return side


@pytest.mark.parametrize("content", [ONE, BOTH], ids=["an image", "an index"])
def test_mirrored_tag_has_same_digest(ghcr, lab, content):
    """The image that starts in the lab has the digest that is promoted."""
    mirror(IMAGE, _digest(content), real(), lab())

    assert ghcr.storage.tags(PACKAGE)["v9"] == _digest(content)
    assert ghcr.storage.manifest(PACKAGE, _digest(content)).content == content
    for digest, blob in BLOBS.items():
        assert ghcr.storage.blob(PACKAGE, digest).content == blob
    if content is BOTH:
        for entry in ENTRIES:
            assert ghcr.storage.manifest(PACKAGE, entry["digest"]).is_success


def test_what_is_there_is_not_sent_again(ghcr, lab):
    """A gate on the next revision sends only new content."""
    mirror(IMAGE, _digest(ONE), real(), lab())
    ghcr.storage.seen.clear()

    mirror(IMAGE, _digest(ONE), real(), lab())

    assert not [each.url for each in ghcr.storage.seen if "uploads" in each.url.path]


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"manifest": OTHER}, "has the bytes of sha256:"),
        ({"blob": b"other bytes"}, "does not have the bytes of its digest"),
    ],
    ids=["manifest", "blob"],
)
def test_wrong_digest_is_refused(ghcr, lab, spoilt, words):
    """Content with a wrong digest is refused, whatever the registry sends."""
    with pytest.raises(TransferError, match=words):
        mirror(IMAGE, _digest(ONE), real(**spoilt), lab())
    assert "v9" not in ghcr.storage.tags(PACKAGE)


def test_denied_access_names_side(lab):
    """The error names the registry that refused: the real one or the lab's."""
    stranger = Side(real().registry, Credential("x", "y"))
    with pytest.raises(TransferError, match="closed: the token service answered 403"):
        mirror(IMAGE, _digest(ONE), stranger, lab())
    with pytest.raises(TransferError, match="closed: "):
        mirror(IMAGE, _digest(ONE), real(), lab(MERE_READER))


def test_silent_registry_is_named(lab):
    """The error names a registry that does not answer, and is no verdict on the image."""

    def cut(_):
        raise httpx.ConnectError("refused")

    silent = Side(
        RegistryClient("ghcr.io", httpx.Client(transport=httpx.MockTransport(cut))), READER
    )
    with pytest.raises(TransferError, match="v9 cannot be copied: ConnectError: refused"):
        mirror(IMAGE, _digest(ONE), silent, lab())
