"""What is seen of a chart and of a Secret, from what Helm and the API server give."""

import base64
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from kubernetes.client import V1Secret
from kubernetes.client.exceptions import ApiException

from pullrecovery.observation import ChartSeen, Credential, SecretSeen
from pullrecovery.observe.chart import observe_chart
from pullrecovery.observe.secret import observe_secret
from pullrecovery.process import CommandError
from tests import recorded

RENDERED = """\
---
apiVersion: v1
kind: Service
spec: {ports: [{port: 80}]}
---
# An empty document, as a condition leaves behind.
---
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      initContainers: [{name: init, image: "ghcr.io/bytequester/init:1"}]
      containers:
        - {name: web, image: "ghcr.io/bytequester/backend:2"}
        - {name: sidecar, image: "nginx:3"}
---
apiVersion: batch/v1
kind: CronJob
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers: [{name: job, image: "ghcr.io/bytequester/job:4"}]
"""
DOCKER_CONFIG = '{"auths": {"ghcr.io": {"username": "ByteQuester", "password": "s3nt1n3l"}}}'


@dataclass
class Helm:
    """Renders the same every time, or fails."""

    rendered: str = ""
    error: CommandError | None = None

    def template(self, _):
        if self.error:
            raise self.error
        return self.rendered


@dataclass
class World:
    """One Secret in one cluster, and a registry that accepts every credential."""

    secret: V1Secret | None
    status: int = 404
    target: object = recorded.GOOD.target
    asked: list = field(default_factory=list)

    @property
    def core(self):
        return SimpleNamespace(read_namespaced_secret=self._read)

    @property
    def registry(self):
        return SimpleNamespace(tags=self._tags)

    def _read(self, *_):
        if self.secret is None:
            raise ApiException(status=self.status)
        return self.secret

    def _tags(self, package, credential):
        self.asked.append((package, credential))
        return recorded.ACCEPTED


def _secret(content, kind="kubernetes.io/dockerconfigjson"):
    content = content if isinstance(content, bytes) else content.encode()
    return V1Secret(data={".dockerconfigjson": base64.b64encode(content).decode()}, type=kind)


def _observe(world):
    return observe_secret(world, recorded.GOOD.workload)


def test_image_of_every_container_of_every_kind_is_seen():
    """Init containers and jobs are pulled for, too."""
    assert observe_chart(Helm(RENDERED), recorded.GOOD.workload) == ChartSeen(
        (
            "ghcr.io/bytequester/init:1",
            "ghcr.io/bytequester/backend:2",
            "nginx:3",
            "ghcr.io/bytequester/job:4",
        )
    )


def test_chart_that_does_not_render_has_helms_words():
    """They are an observation, not an error of the harness."""
    helm = Helm(error=CommandError(["helm", "template"], 1, "Error: values don't meet it\n"))

    assert observe_chart(helm, recorded.GOOD.workload) == ChartSeen(
        (), "Error: values don't meet it"
    )


def test_secret_is_seen_and_its_credential_tried():
    """For the package that the workload pulls."""
    world = World(_secret(DOCKER_CONFIG))

    seen = _observe(world)

    assert seen == SecretSeen(
        name="ghcr-credentials",
        namespace="frontend-dev",
        exists=True,
        type="kubernetes.io/dockerconfigjson",
        servers=("ghcr.io",),
        credential=Credential("ByteQuester", "s3nt1n3l"),
        probe=recorded.ACCEPTED,
    )
    assert world.asked == [("bytequester/hosting-monorepo", Credential("ByteQuester", "s3nt1n3l"))]


def test_secret_that_is_not_there_is_an_observation():
    """As it is the first thing that people forget."""
    assert not _observe(World(None)).exists


def test_api_server_that_refuses_is_an_error():
    """A Secret that may not be read is not a Secret that is not there."""
    with pytest.raises(ApiException):
        _observe(World(None, status=403))


def test_secret_for_another_server_is_not_tried():
    """The kubelet would not use it either."""
    world = World(_secret(DOCKER_CONFIG.replace("ghcr.io", "ghcr.io:443")))

    seen = _observe(world)

    assert (seen.servers, seen.credential, seen.probe) == (("ghcr.io:443",), None, None)
    assert world.asked == []


@pytest.mark.parametrize(
    "content",
    ["not json", b"\xff\xfe", '{"auths": {"ghcr.io": {"auth": "YWJj"}}}'],
    ids=["no JSON", "no text", "no login"],
)
def test_unreadable_secret_has_a_problem(content):
    """It is there, and of no use."""
    seen = _observe(World(_secret(content)))

    assert seen.exists
    assert seen.problem
    assert seen.credential is None


def test_secret_of_another_type_is_seen_without_entries():
    """It has other keys, or none."""
    seen = _observe(World(V1Secret(data=None, type="Opaque")))

    assert (seen.type, seen.servers, seen.problem) == ("Opaque", (), "")
