"""Check REG-001 in the live world: the suite's own client in place of docker and crane."""

import hashlib
import json

import httpx
import pytest

from pullrecovery.common.errors import NotObservedError
from pullrecovery.live.clients import LiveClients
from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.probe import Credential
from pullrecovery.model.verdict import Cause
from pullrecovery.observe.registry import observe_identity
from pullrecovery.registry.client import RegistryClient
from pullrecovery.tasks.reg_001_image_identity import judge_identity
from pullrecovery.world.cache import Memory
from tests.fakes.recorded import REFERENCE, REPOSITORY, TAG

LOGIN = Credential("ByteQuester", "ghp_" + "x" * 36)
CONFIG = json.dumps({"os": "linux", "architecture": "amd64"})
CONFIG_DIGEST = f"sha256:{hashlib.sha256(CONFIG.encode()).hexdigest()}"
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"digest": CONFIG_DIGEST},
        "layers": [],
    }
)
DIGEST = f"sha256:{hashlib.sha256(MANIFEST.encode()).hexdigest()}"
V2 = "/v2/bytequester/hosting-monorepo"
GOOD = {
    "/token": httpx.Response(200, json={"token": "t"}),
    f"{V2}/manifests/{TAG}": httpx.Response(
        200, text=MANIFEST, headers={"docker-content-digest": DIGEST}
    ),
    f"{V2}/blobs/{CONFIG_DIGEST}": httpx.Response(200, text=CONFIG),
    f"{V2}/tags/list": httpx.Response(200, json={"tags": ["latest", TAG]}),
}


def _refusal(status, code, message):
    return httpx.Response(status, json={"errors": [{"code": code, "message": message}]})


class View:
    """The part of the live world that REG-001 uses, with a registry that gives these answers."""

    def __init__(self, to=None):
        self.answers = GOOD | (to or {})
        http = httpx.Client(transport=httpx.MockTransport(self._answer))
        self.registry = RegistryClient("ghcr.io", http)
        self.runner = LiveClients(self.registry)
        self.operator, self.platforms, self.cluster = LOGIN, ("linux/amd64",), "https://x"
        self.memory = Memory()

    def _answer(self, request):
        answer = self.answers[request.url.path]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def judged(self):
        identity = observe_identity(self, parse_reference(REFERENCE))
        return judge_identity(identity, LOGIN.login, self.platforms)


def test_present_image_has_digest_and_tags():
    """The requests are the ones that docker and crane send."""
    verdict = View().judged()

    assert verdict.passes
    assert verdict.evidence == f"{REFERENCE} is {DIGEST} for linux/amd64; tags: latest, {TAG}"


@pytest.mark.parametrize(
    ("path", "answer", "cause"),
    [
        ("/token", _refusal(403, "DENIED", "denied"), Cause.OPERATOR_REJECTED),
        (
            f"{V2}/manifests/{TAG}",
            _refusal(404, "MANIFEST_UNKNOWN", "manifest unknown"),
            Cause.TAG_UNKNOWN,
        ),
        (
            f"{V2}/manifests/{TAG}",
            _refusal(404, "NAME_UNKNOWN", "repository name not known to registry"),
            Cause.REPOSITORY_UNKNOWN,
        ),
        (
            f"{V2}/manifests/{TAG}",
            _refusal(403, "DENIED", "permission_denied: read_package"),
            Cause.OPERATOR_FORBIDDEN,
        ),
        (
            f"{V2}/manifests/{TAG}",
            _refusal(429, "TOOMANYREQUESTS", "retry later"),
            Cause.RATE_LIMITED,
        ),
        (f"{V2}/manifests/{TAG}", httpx.Response(503, text="<html>"), Cause.SERVER_ERROR),
        (f"{V2}/manifests/{TAG}", httpx.ReadTimeout("30 s"), Cause.TIMED_OUT),
        ("/token", httpx.ConnectError("[Errno 111] refused"), Cause.REFUSED),
    ],
    ids=["rejected", "no tag", "no name", "no read", "429", "503", "time-out", "refused"],
)
def test_refusal_has_same_cause_as_clients(path, answer, cause):
    """The evidence names the request that was actually sent."""
    verdict = View(to={path: answer}).judged()

    assert verdict.cause is cause
    assert "`GET https://ghcr.io/" in verdict.evidence
    assert "crane" not in verdict.evidence
    assert LOGIN.token not in str(verdict)


def test_index_has_no_configuration_of_its_own():
    """The platforms are in the index's entries."""
    entries = [{"digest": DIGEST, "platform": {"os": "linux", "architecture": "amd64"}}]
    index = json.dumps({"schemaVersion": 2, "manifests": entries})
    digest = f"sha256:{hashlib.sha256(index.encode()).hexdigest()}"
    answer = httpx.Response(200, text=index, headers={"docker-content-digest": digest})

    verdict = View(to={f"{V2}/manifests/{TAG}": answer}).judged()

    assert verdict.passes
    assert f"{digest} for linux/amd64" in verdict.evidence


@pytest.mark.parametrize(
    "command", ["rm -rf /", "crane push x y", "docker push x", f"crane copy {REFERENCE} x:y"]
)
def test_any_other_command_is_refused(command):
    """The live world has no shell."""
    with pytest.raises(NotObservedError, match="runs no commands"):
        View().runner.run([command])


def test_long_list_of_tags_is_read_to_its_end():
    """A registry may return any number of tags per page."""
    tags = [f"v{number}" for number in range(7)]

    def answer(request):
        if request.url.path == "/token":
            return httpx.Response(200, json={"token": "t"})
        last = request.url.params.get("last")
        begin = tags.index(last) + 1 if last else 0
        return httpx.Response(200, json={"tags": tags[begin : begin + 3]})

    client = RegistryClient("ghcr.io", httpx.Client(transport=httpx.MockTransport(answer)))

    probe, found = client.all_tags(REPOSITORY.partition("/")[2], LOGIN)

    assert (probe.ok, list(found)) == (True, tags)
