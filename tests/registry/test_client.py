"""The registry's client, against GHCR's answers: its requests and its results."""

import httpx
import pytest

from pullrecovery.model.probe import Credential, Probe, RegistryFailure
from pullrecovery.registry.client import RegistryClient
from tests.fakes import recorded

PACKAGE = "bytequester/backend"
GOOD_TOKEN = httpx.Response(200, json={"token": "djE6czNudDFuM2w="})
GOOD_MANIFEST = httpx.Response(200, headers={"docker-content-digest": recorded.DIGEST}, json={})


def _refusal(status, code, message):
    return httpx.Response(status, json={"errors": [{"code": code, "message": message}]})


class Registry:
    """A fake registry with two answers, which records the requests."""

    def __init__(self, token=GOOD_TOKEN, answer=GOOD_MANIFEST):
        self.answers = {"/token": token}
        self.answer = answer
        self.asked = []

    def __call__(self, request):
        self.asked.append(request)
        answer = self.answers.get(request.url.path, self.answer)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self):
        return RegistryClient("ghcr.io", httpx.Client(transport=httpx.MockTransport(self)))

    def manifest(self, credential=None):
        return self.client().manifest(PACKAGE, "v1", credential)


def test_manifest_has_digest():
    """Verdicts compare the digest, whatever else is read."""
    probe = Registry().manifest()

    assert probe == Probe("registry", 200, digest=recorded.DIGEST)
    assert probe.ok


@pytest.mark.parametrize(
    ("token", "answer", "probe"),
    [
        (
            _refusal(401, "UNAUTHORIZED", "authentication required"),
            GOOD_MANIFEST,
            Probe("token", 401, "UNAUTHORIZED", "authentication required"),
        ),
        (
            _refusal(403, "DENIED", "denied"),
            GOOD_MANIFEST,
            Probe("token", 403, "DENIED", "denied"),
        ),
        (
            GOOD_TOKEN,
            _refusal(404, "MANIFEST_UNKNOWN", "manifest unknown"),
            Probe("registry", 404, "MANIFEST_UNKNOWN", "manifest unknown"),
        ),
        (
            GOOD_TOKEN,
            _refusal(403, "DENIED", "permission_denied: read_package"),
            Probe("registry", 403, "DENIED", "permission_denied: read_package"),
        ),
        (
            GOOD_TOKEN,
            httpx.Response(503, text="<html>unavailable</html>"),
            Probe("registry", 503, "", "<html>unavailable</html>"),
        ),
        (GOOD_TOKEN, httpx.Response(502), Probe("registry", 502)),
        (
            GOOD_TOKEN,
            httpx.Response(500, json={"errors": []}),
            Probe("registry", 500, "", '{"errors":[]}'),
        ),
    ],
    ids=["no token", "bad token", "no tag", "no permission", "HTML", "nothing", "no errors"],
)
def test_refusal_is_kept_with_who_refused(token, answer, probe):
    """The token service and the registry refuse for different reasons."""
    seen = Registry(token, answer).manifest(Credential("ByteQuester", "s3nt1n3l"))

    assert seen == probe
    assert not seen.ok


@pytest.mark.parametrize(
    ("error", "probe"),
    [
        (
            httpx.ConnectError("[Errno 111] Connection refused"),
            recorded.OUTAGE,
        ),
        (
            httpx.ReadTimeout("timed out"),
            Probe("network", 0, "ReadTimeout", "timed out", cut=RegistryFailure.TIMED_OUT),
        ),
    ],
    ids=["refused", "timeout"],
)
@pytest.mark.parametrize("where", ["token", "answer"])
def test_silent_registry_is_probe(where, error, probe):
    """A registry that does not answer is an observation, and no error of the harness."""
    assert Registry(**{where: error}).manifest() == probe


@pytest.mark.parametrize(
    "token",
    [httpx.Response(200, text="<html>log in</html>"), httpx.Response(200, json={})],
    ids=["HTML", "no token"],
)
def test_nonsense_token_answer_is_probe(token):
    """A proxy's page is one example of such an answer."""
    seen = Registry(token).manifest()

    assert (seen.stage, seen.status, seen.ok) == ("token", 200, False)


def test_token_is_asked_for_as_containerd_asks():
    """The request has the credential, one package, and only the right to pull."""
    registry = Registry()

    registry.manifest(Credential("ByteQuester", "s3nt1n3l"))

    token, manifest = registry.asked
    assert str(token.url) == (
        "https://ghcr.io/token?service=ghcr.io&scope=repository%3Abytequester%2Fbackend%3Apull"
    )
    assert token.headers["authorization"] == "Basic Qnl0ZVF1ZXN0ZXI6czNudDFuM2w="
    assert str(manifest.url) == "https://ghcr.io/v2/bytequester/backend/manifests/v1"
    assert manifest.headers["authorization"] == "Bearer djE6czNudDFuM2w="


def test_anonymous_question_carries_no_login():
    """The token of such a request is an anonymous one."""
    registry = Registry()

    registry.manifest()

    assert "authorization" not in registry.asked[0].headers


def test_package_access_is_asked_by_tags():
    """The request needs no tag."""
    registry = Registry(answer=httpx.Response(200, json={"name": PACKAGE, "tags": []}))

    seen = registry.client().tags(PACKAGE, None)

    assert seen.ok
    assert registry.asked[1].url.path == "/v2/bytequester/backend/tags/list"


def test_manifests_of_every_kind_are_welcome():
    """Without this header GHCR answers 404 for an image index."""
    registry = Registry()

    registry.manifest()

    assert registry.asked[1].headers["accept"] == (
        "application/vnd.docker.distribution.manifest.v2+json, "
        "application/vnd.docker.distribution.manifest.list.v2+json, "
        "application/vnd.oci.image.manifest.v1+json, "
        "application/vnd.oci.image.index.v1+json, */*"
    )


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (httpx.Response(200), 200),
        (httpx.Response(307, headers={"location": "https://pkg-containers.example/"}), 200),
        (httpx.Response(404), 404),
    ],
    ids=["there", "elsewhere", "gone"],
)
def test_blob_is_where_registry_says(answer, status):
    """The bytes are not fetched, and one token is enough for all requests."""
    registry = Registry(answer=answer)

    probes = registry.client().blobs(PACKAGE, ["sha256:a", "sha256:b"], None)

    assert [(probe.stage, probe.status) for probe in probes] == [("registry", status)] * 2
    assert [each.method for each in registry.asked] == ["GET", "HEAD", "HEAD"]


@pytest.mark.parametrize(
    ("token", "probe"),
    [
        (_refusal(403, "DENIED", "denied"), Probe("token", 403, "DENIED", "denied")),
        (httpx.ConnectError("refused"), Probe("network", 0, "ConnectError", "refused")),
    ],
    ids=["refused", "no answer"],
)
def test_unasked_blob_is_unknown(token, probe):
    """All blobs get one result."""
    assert Registry(token=token).client().blobs(PACKAGE, ["sha256:a"] * 2, None) == [probe] * 2
