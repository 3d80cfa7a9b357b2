"""Publishing a verdict beside its image, where the hook finds it."""

import hashlib
import json

import httpx
import pytest

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.gate.verdict.publish import publish_verdict
from pullrecovery.gate.verdict.registry_store import LAYER_TYPE, fetch_verdict, verdict_tag
from pullrecovery.model.probe import Credential
from pullrecovery.registry.client import RegistryClient
from tests.fakes import verdicts
from tests.fakes.gate_hook import PACKAGE, promoting
from tests.fakes.recorded import TOKEN

WRITER = Credential("ByteQuester", TOKEN)
TAG = verdict_tag("hosting-monorepo", verdicts.REVISION)
IMAGE = b'{"schemaVersion": 2}'
DIGEST = f"sha256:{hashlib.sha256(IMAGE).hexdigest()}"
OCI = "application/vnd.oci.image.index.v1+json"


class Store:
    """A fake registry that stores content; `refuses` are answers by method and path."""

    def __init__(self, **refuses):
        self.refuses = refuses
        self.manifests = {DIGEST: IMAGE}
        self.blobs = {}

    def __call__(self, request):
        path = request.url.path
        if path == "/token":
            return self.refuses.get("token") or httpx.Response(200, json={"token": "t"})
        if request.method in self.refuses:
            return self.refuses[request.method]
        kind, _, name = path.removeprefix(f"/v2/{PACKAGE}/").partition("/")
        if request.method == "GET":
            found = (self.manifests if kind == "manifests" else self.blobs).get(name)
            headers = {"content-type": OCI}
            return httpx.Response(200 if found else 404, content=found or b"", headers=headers)
        if request.method == "POST":
            return httpx.Response(202, headers={"location": f"{path}one?state=a"})
        if kind == "manifests":
            self.manifests[name] = request.content
        else:
            assert request.url.params["state"] == "a"
            self.blobs[request.url.params["digest"]] = request.content
        return httpx.Response(201)

    def client(self):
        return RegistryClient("ghcr.io", httpx.Client(transport=httpx.MockTransport(self)))


def _keep(store):
    client = store.client()
    return publish_verdict(client, PACKAGE, DIGEST, TAG, promoting(), WRITER)


def test_kept_verdict_is_found_again():
    """Every reader of the image can read the verdict."""
    store, signed = Store(), promoting()

    publish_verdict(store.client(), PACKAGE, DIGEST, TAG, signed, WRITER)

    assert fetch_verdict(store.client(), PACKAGE, TAG, None) == signed


def test_published_verdict_names_image_subject():
    """A registry with referrers lists the verdict among those of the image."""
    store = Store()

    tag = _keep(store)

    document = json.loads(store.manifests[tag])
    assert document["subject"] == {"mediaType": OCI, "digest": DIGEST, "size": len(IMAGE)}
    assert document["artifactType"] == LAYER_TYPE
    assert store.blobs[document["config"]["digest"]] == b"{}"


def test_hold_without_a_digest_is_published():
    """A revision that the static tier holds has a verdict without an image."""
    store = Store()

    tag = publish_verdict(store.client(), PACKAGE, "", TAG, promoting(), WRITER)

    assert "subject" not in json.loads(store.manifests[tag])
    assert fetch_verdict(store.client(), PACKAGE, TAG, None) == promoting()


REFUSALS = {
    "token": ({"token": httpx.Response(403, text="denied")}, "the token service answered 403"),
    "upload": ({"POST": httpx.Response(403, text="write_package")}, "POST .*: 403 write_package"),
    "manifest": ({"PUT": httpx.Response(500, text="?")}, r"PUT .*: 500 \?"),
}


@pytest.mark.parametrize(("refuses", "why"), REFUSALS.values(), ids=REFUSALS.keys())
def test_failed_publish_has_registry_message(refuses, why):
    """A verdict that was not published is missing for every hook."""
    with pytest.raises(PullRecoveryError, match=f"a verdict cannot be pushed.*{why}"):
        _keep(Store(**refuses))


def test_other_artifact_is_no_verdict():
    """Another artifact under the verdict's tag, such as an image, is refused."""
    store = Store()
    tag = _keep(store)
    document = json.loads(store.manifests[tag])
    document["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.v1.tar"
    store.manifests[tag] = json.dumps(document).encode()

    with pytest.raises(PullRecoveryError, match="is no verdict of the gate"):
        fetch_verdict(store.client(), PACKAGE, TAG, None)
