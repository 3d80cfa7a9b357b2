"""Check what is observed of a chart and of Secrets, from Helm and the API server."""

import base64
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest
from kubernetes.client import V1LocalObjectReference, V1ObjectMeta, V1Secret, V1ServiceAccount
from kubernetes.client.exceptions import ApiException

from pullrecovery.common.process import CommandError
from pullrecovery.kube.secrets import observe_pull_secrets, observe_secret
from pullrecovery.kube.wiring import given, observe_wiring
from pullrecovery.model.chart import RenderedChart
from pullrecovery.model.observation import PullSecret, PullSecretEntry, PullSecretWiring
from pullrecovery.model.probe import Credential
from pullrecovery.observe.chart import observe_chart
from pullrecovery.registry.keyring import DATA_KEYS
from tests.fakes import recorded

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
    """Renders the same text each time, or fails."""

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
    here: tuple = ()
    elsewhere: tuple = ()

    def _list(self, found):
        return SimpleNamespace(items=list(found))

    @property
    def core(self):
        return SimpleNamespace(
            read_namespaced_secret=self._read,
            list_namespaced_secret=lambda *_, **__: self._list(self.here),
            list_secret_for_all_namespaces=lambda **__: self._list(self.elsewhere),
        )

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


def _secret(content, kind="kubernetes.io/dockerconfigjson", name="ghcr-credentials", at="here"):
    metadata = V1ObjectMeta(name=name, namespace=at)
    content = content if isinstance(content, bytes) else content.encode()
    data = {DATA_KEYS[kind]: base64.b64encode(content).decode()}
    return V1Secret(metadata=metadata, data=data, type=kind)


def _observe(world):
    return observe_secret(world, recorded.GOOD.workload)


def test_every_container_image_is_observed():
    """Init containers and Jobs pull images, too."""
    assert observe_chart(Helm(RENDERED), recorded.GOOD.workload) == RenderedChart(
        (
            "ghcr.io/bytequester/init:1",
            "ghcr.io/bytequester/backend:2",
            "nginx:3",
            "ghcr.io/bytequester/job:4",
        )
    )


def test_volume_images_are_observed():
    """An image volume is pulled like a container's image."""
    spec = """\
apiVersion: v1
kind: Pod
spec:
  containers: [{name: web, image: "a:1"}]
  ephemeralContainers: [{name: debug, image: "b:2"}]
  volumes:
    - {name: model, image: {reference: "c:3", pullPolicy: Always}}
    - {name: scratch, emptyDir: {}}
"""

    assert observe_chart(Helm(spec), recorded.GOOD.workload).images == ("a:1", "b:2", "c:3")


def test_failed_render_has_helm_message():
    """Helm's error is part of the observation, and no error of the harness."""
    helm = Helm(error=CommandError(["helm", "template"], 1, "Error: values don't meet it\n"))

    assert observe_chart(helm, recorded.GOOD.workload) == RenderedChart(
        (), "Error: values don't meet it"
    )


def test_secret_credential_is_tried():
    """The credential is probed for the package that the workload pulls."""
    world = World(_secret(DOCKER_CONFIG))

    seen = _observe(world)

    assert seen == PullSecret(
        name="ghcr-credentials",
        namespace="frontend-dev",
        exists=True,
        type="kubernetes.io/dockerconfigjson",
        servers=("ghcr.io",),
        entries=(
            PullSecretEntry("ghcr.io", Credential("ByteQuester", "s3nt1n3l"), recorded.ACCEPTED),
        ),
    )
    assert world.asked == [("bytequester/hosting-monorepo", Credential("ByteQuester", "s3nt1n3l"))]


def test_missing_secret_is_observed():
    """A missing Secret is an observation, and no error."""
    assert not _observe(World(None)).exists


def test_api_server_that_refuses_is_an_error():
    """A forbidden Secret is not a missing Secret."""
    with pytest.raises(ApiException):
        _observe(World(None, status=403))


def test_secret_of_other_server_is_not_tried():
    """The kubelet would not use the entry either."""
    world = World(_secret(DOCKER_CONFIG.replace("ghcr.io", "ghcr.io:443")))

    seen = _observe(world)

    assert (seen.servers, seen.entries) == (("ghcr.io:443",), ())
    assert world.asked == []


@pytest.mark.parametrize(
    "content",
    ["not json", b"\xff\xfe", '{"auths": {"ghcr.io": {"auth": "YWJj"}}}'],
    ids=["no JSON", "no text", "no login"],
)
def test_unreadable_secret_has_a_problem(content):
    """The Secret exists, but cannot be used."""
    seen = _observe(World(_secret(content)))

    assert seen.exists
    assert seen.problem
    assert seen.entries == ()


def test_other_secret_type_has_no_entries():
    """A Secret of another type has other keys, or none."""
    seen = _observe(World(V1Secret(data=None, type="Opaque")))

    assert (seen.type, seen.servers, seen.problem) == ("Opaque", (), "")


def test_entries_are_tried_in_kubelet_order():
    """All entries are probed in order, as one accepted entry is enough for a pull."""
    auths = (
        '"ghcr.io": {"username": "a", "password": "s3nt1n3l-a"},'
        ' "ghcr.io/bytequester": {"username": "b", "password": "s3nt1n3l-b"}'
    )
    world = World(_secret(f'{{"auths": {{{auths}}}}}'))

    seen = _observe(world)

    assert [entry.server for entry in seen.entries] == ["ghcr.io/bytequester", "ghcr.io"]
    assert [credential.login for _, credential in world.asked] == ["b", "a"]


def test_entry_without_token_is_tried_anonymously():
    """Containerd pulls anonymously for an entry without a token, whatever its login."""
    world = World(_secret('{"auths": {"ghcr.io": {"username": "ByteQuester"}}}'))

    assert len(_observe(world).entries) == 1
    assert world.asked == [("bytequester/hosting-monorepo", None)]


def test_legacy_secret_is_read_like_kubelet():
    """The servers of a legacy Secret are its top-level keys."""
    entry = '{"ghcr.io": {"username": "a", "password": "s3nt1n3l-a"}}'

    seen = _observe(World(_secret(entry, kind="kubernetes.io/dockercfg")))

    assert seen.servers == ("ghcr.io",)
    assert seen.entries[0].credential == Credential("a", "s3nt1n3l-a")


def test_missing_secret_is_searched_elsewhere():
    """Other namespaces are searched by name, the own namespace for a usable Secret."""
    useless = _secret('{"auths": {"docker.io": {}}}', name="hub")
    broken = _secret("[]", name="broken")
    good = _secret(DOCKER_CONFIG, name="ghcr-credential")
    world = World(None, here=(useless, broken, good), elsewhere=(_secret("{}", at="backend-dev"),))

    seen = _observe(world)

    assert (seen.in_namespaces, seen.other_names) == (("backend-dev",), ("ghcr-credential",))


def test_secrets_of_a_pod_are_each_read_once():
    """The target's Secret is known already and is not read again."""
    world = World(_secret(DOCKER_CONFIG))
    known = _observe(world)

    own, other = observe_pull_secrets(
        world, recorded.GOOD.workload, ["ghcr-credentials", "other"], known
    )

    assert own is known
    assert other.name == "other"
    assert len(world.asked) == 2


def test_wired_workload_is_not_searched():
    """A wired workload needs no search."""
    assert observe_wiring(World(None), recorded.GOOD.workload, recorded.GOOD.deployment) == (
        PullSecretWiring()
    )


def test_name_is_searched_in_values_and_account(tmp_path):
    """These are the places where the name does not reach the pods."""
    (tmp_path / "values.yaml").write_text("imagePullSecret: ghcr-credentials\n")
    workload = replace(recorded.GOOD.workload, chart=tmp_path, values=())
    account = V1ServiceAccount(image_pull_secrets=[V1LocalObjectReference(name="ghcr-credentials")])
    core = SimpleNamespace(read_namespaced_service_account=lambda *_: account)
    world = SimpleNamespace(target=recorded.GOOD.target, core=core)

    seen = observe_wiring(world, workload, recorded.unwired().deployment)

    assert seen == PullSecretWiring(("imagePullSecret",), ("ghcr-credentials",))


def test_live_and_new_secrets_are_named_once():
    """Old pods may have other Secrets than a new pod would get."""
    pods = recorded.pod(pull_secrets=("old", "ghcr-credentials")).pods

    assert given(recorded.GOOD.deployment, pods) == ("old", "ghcr-credentials")
