"""The gate's verdict in the registry, beside its image: pushed by CI, read by the hook."""

from dataclasses import replace

import httpx
import pytest

from pullrecovery.common.errors import HeldError, PullRecoveryError
from pullrecovery.gate.verdict.publish import publish_verdict
from pullrecovery.gate.verdict.registry_store import LAYER_TYPE, fetch_verdict, verdict_tag
from pullrecovery.gate.verdict.signing import sign
from pullrecovery.gate.verdict.status_command import PublishRequest, run_publish
from pullrecovery.model.probe import Credential
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.media_types import names_image
from tests.fakes.verdicts import JUDGED, KEY, OTHER_KEY, OTHER_REVISION, REVISION, pem, verdict

PACKAGE = "bytequester/closed"
TAG = verdict_tag("shop", REVISION)
WRITER, READER, STRANGER = (
    Credential("ByteQuester", f"ghp_{name}") for name in ("writer", "reader", "stranger")
)


@pytest.fixture(name="http")
def _http(ghcr):
    def take(request):
        answer = ghcr.ask(
            request.method, str(request.url), headers=dict(request.headers), content=request.read()
        )
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    return httpx.Client(transport=httpx.MockTransport(take))


@pytest.fixture(name="registry")
def _registry(http):
    return RegistryClient("ghcr.io", http)


@pytest.fixture(name="keep")
def _keep(ghcr, registry):
    def keep(revision, signed, credential=WRITER, target="shop"):
        image, tag = ghcr.storage.tags(PACKAGE)["v1"], verdict_tag(target, revision)
        return publish_verdict(registry, PACKAGE, image, tag, signed, credential)

    return keep


def test_verdict_is_fetched_by_reader(keep, registry):
    """The credential that pulls the image can read the verdict, without other rights."""
    keep(REVISION, "a.signed.verdict")

    assert fetch_verdict(registry, PACKAGE, TAG, READER) == "a.signed.verdict"


def test_another_revision_has_another_verdict(keep, registry):
    """Each revision has a tag of its own."""
    keep(REVISION, "one")
    keep(OTHER_REVISION, "other")

    assert fetch_verdict(registry, PACKAGE, TAG, READER) == "one"
    with pytest.raises(HeldError, match="there is no verdict on this revision"):
        fetch_verdict(registry, PACKAGE, verdict_tag("shop", "f" * 40), READER)


def test_shared_package_keeps_both_verdicts(keep, registry):
    """A verdict of one environment does not replace another environment's on the same commit."""
    keep(REVISION, "hold")
    keep(REVISION, "promote", target="shop-prod")

    assert fetch_verdict(registry, PACKAGE, TAG, READER) == "hold"


def test_later_verdict_replaces_earlier(keep, registry):
    """A later verdict replaces an expired one, and publishing one twice succeeds."""
    keep(REVISION, "first")
    for _ in range(2):
        keep(REVISION, "second")

    assert fetch_verdict(registry, PACKAGE, TAG, READER) == "second"


def test_verdict_artifact_has_own_tag(ghcr, keep):
    """Registries and users can distinguish the verdict's tag from an image's."""
    tag = keep(REVISION, "one")

    stored = ghcr.storage.manifest(PACKAGE, tag).json()
    assert stored["artifactType"] == LAYER_TYPE
    assert [each for each in ghcr.storage.tags(PACKAGE) if not names_image(each)] == [TAG]


@pytest.mark.parametrize("credential", [READER, STRANGER], ids=["reader", "stranger"])
def test_denied_push_is_reported(keep, credential):
    """The error has the registry's own message."""
    with pytest.raises(PullRecoveryError, match="verdict cannot be pushed"):
        keep(REVISION, "one", credential)


@pytest.fixture(name="publish_request")
def _publish_request(tmp_path, monkeypatch, ghcr):
    monkeypatch.setenv("GHCR_TOKEN", WRITER.token)
    (tmp_path / "gate.pub").write_text(pem(KEY, private=False))

    def make(signed_by=KEY):
        image = ghcr.storage.tags(PACKAGE)["v1"]
        workload = replace(JUDGED, reference=f"ghcr.io/{PACKAGE}:v1", image=image)
        signed = sign(verdict(workloads=(workload,)), signed_by)
        (tmp_path / "verdict.jws").write_text(signed)
        return PublishRequest(tmp_path / "verdict.jws", tmp_path / "gate.pub", WRITER.login), signed

    return make


def test_verdict_is_put_beside_every_image(publish_request, registry, http, capsys):
    """CI publishes the verdict beside every image after the gate."""
    asked, signed = publish_request()

    assert run_publish(asked, http) == 0

    tag = verdict_tag("hosting-monorepo", REVISION)
    assert f"ghcr.io/{PACKAGE}:{tag} is the verdict on sha256:" in capsys.readouterr().out
    assert fetch_verdict(registry, PACKAGE, tag, READER) == signed


def test_unsigned_verdict_is_not_put(publish_request, http):
    """A verdict that the hook would refuse is not published."""
    asked, _ = publish_request(signed_by=OTHER_KEY)

    with pytest.raises(Exception, match="with another key than"):
        run_publish(asked, http)
