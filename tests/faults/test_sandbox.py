"""Check that a sandbox leaves nothing: after its block, and where its set-up fails half-way."""

import json
import shutil
import threading
from itertools import count
from types import SimpleNamespace

import pytest
from kubernetes import client as k8s

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.deploy.argocd import ArgoCD
from pullrecovery.deploy.helm import Helm
from pullrecovery.faults import sandbox as sandboxes
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.kube import events
from pullrecovery.lab import chart_namespace
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.seed import IssuedToken, LabWorld
from pullrecovery.monorepo.target_yaml import load_target

BEFORE = "shared"


class StepError(Exception):
    """The error of the step that a test makes fail."""


class Cluster:
    """A fake API server that knows namespaces and Secrets, and may fail at one request."""

    def __init__(self):
        self.namespaces, self.secrets, self.requests = {BEFORE}, set(), []
        self.fails_at, self.failed = None, False

    def step(self, name):
        """Count a request, and fail if it is the one."""
        self.requests.append(name)
        if len(self.requests) - 1 == self.fails_at:
            self.failed = True
            raise StepError(name)

    def create_namespace(self, body):
        # The server may have created it, even if the client gets no answer.
        self.namespaces.add(body.metadata.name)
        self.step("create_namespace")

    def delete_namespace(self, name):
        self.namespaces.remove(name)
        self.secrets = {secret for secret in self.secrets if secret[0] != name}

    def create_namespaced_secret(self, namespace, body):
        self.secrets.add((namespace, body.metadata.name))
        self.step("create_namespaced_secret")

    def delete_namespaced_secret(self, name, namespace):
        self.secrets.discard((namespace, name))

    def delete_collection_namespaced_secret(self, namespace, **_):
        self.secrets = {secret for secret in self.secrets if secret[0] != namespace}

    def create_namespaced_service_account_token(self, *_):
        self.step("token")
        return SimpleNamespace(status=SimpleNamespace(token="eyJ-of-a-sandbox"))

    def list_namespaced_service_account(self, _):
        self.step("accounts")
        account = SimpleNamespace(metadata=SimpleNamespace(name="default"))
        return SimpleNamespace(items=[account])

    def create_subject_access_review(self, _):
        self.step("review")
        return SimpleNamespace(status=SimpleNamespace(allowed=True))

    def patch_namespaced_service_account(self, *_):
        self.step("wire")

    def __getattr__(self, name):
        assert name.startswith(("create_", "list_", "delete_")), name
        metadata = SimpleNamespace(resource_version="7")

        def request(*_, **__):
            self.step(name)
            return SimpleNamespace(items=[], metadata=metadata)

        return request


class Watch:
    """A watch that brings nothing until it is stopped."""

    def __init__(self):
        self.stopped = threading.Event()

    def stream(self, *_, **__):
        self.stopped.wait()
        return ()

    def stop(self):
        self.stopped.set()


@pytest.fixture(name="cluster")
def _cluster(monkeypatch):
    """Return the fake API server, which every client of this test asks."""
    cluster = Cluster()
    for api in ("CoreV1Api", "AppsV1Api", "RbacAuthorizationV1Api", "AuthorizationV1Api"):
        monkeypatch.setattr(k8s, api, lambda _: cluster)
    monkeypatch.setattr(events, "Watch", Watch)
    monkeypatch.setattr(Helm, "uninstall", lambda *_, **__: cluster.step("uninstall"))
    monkeypatch.setattr(sandboxes, "sweep_release", lambda *_: cluster.step("sweep"))
    return cluster


@pytest.fixture(name="make")
def _make(cluster, tmp_path):
    """Return a function that makes a sandbox of the sample's last workload, not set up yet."""
    target = load_target(shutil.copytree(SUITE_ROOT / "sample", tmp_path / "target"))
    paths = Paths(tmp_path / "cache", tmp_path / "state")
    paths.state.mkdir()
    paths.kubeconfig.write_text(json.dumps({"clusters": [{"name": "kind", "cluster": {}}]}))
    helm = Helm(tmp_path / "helm", {})
    lab = SimpleNamespace(has_cluster=True, paths=paths)
    switches = set()
    control = SimpleNamespace(switch_on=switches.add, switch_off=switches.discard)
    parts = {"lab": lab, "control": control, "pusher": None, "app_images": {}}
    lab_world = LabWorld(target, object(), None, helm, *[None] * 5, **parts)
    issued = IssuedToken("ByteQuester", "token-1", "c1")

    def make(*, shared=False, argocd=None):
        sandbox = Sandbox(lab_world, target.workloads[-1], "values", issued, issued, shared)
        if argocd:
            sandbox.deploy_by(argocd, "app")
        if shared:
            cluster.namespaces.add(sandbox.namespace)
        return sandbox

    return make


def _left(cluster, sandbox):
    """Return what is left of a sandbox."""
    folder = sandbox.lab_world.lab.paths.state / "sandboxes"
    own = set() if sandbox.shared_namespace else {sandbox.namespace}
    return {
        "namespaces": cluster.namespaces & {*own, *sandbox.other_namespaces},
        "secrets": cluster.secrets,
        "kubeconfigs": {file.name for file in folder.glob("*")},
        "watches": {each.name for each in threading.enumerate() if each.name.startswith("watch ")},
    }


NOTHING = {"namespaces": set(), "secrets": set(), "kubeconfigs": set(), "watches": set()}
SHARED = pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])


@SHARED
def test_sandbox_leaves_nothing_after_its_block(cluster, make, shared):
    """In the block it has a Secret, a kubeconfig and two watches; a shared namespace stays."""
    sandbox = make(shared=shared)
    with sandbox.started():
        left = _left(cluster, sandbox)
        assert left["secrets"] == {(sandbox.namespace, sandbox.secret_name)}
        assert len(left["kubeconfigs"]) == 1
        assert left["watches"] == {f"watch {sandbox.namespace}"}
        assert sandbox.namespace in cluster.namespaces

    assert _left(cluster, sandbox) == NOTHING
    assert (sandbox.namespace in cluster.namespaces) is shared


@SHARED
def test_set_up_that_fails_leaves_nothing(cluster, make, shared):
    """Every request of the set-up is made to fail in turn; its error is raised."""
    failed = []
    for at in count():
        cluster.requests, cluster.fails_at, cluster.failed = [], at, False
        sandbox = make(shared=shared)
        try:
            with sandbox.started():
                cluster.fails_at = None
        except StepError as error:
            failed.append(str(error))
        assert _left(cluster, sandbox) == NOTHING, failed
        if not cluster.failed:
            break

    expected = {"create_namespace", "accounts", "review", "token", "create_namespaced_secret"}
    assert expected | {"wire", "list_namespaced_event", "list_namespaced_pod"} <= {*failed}


def test_values_that_fail_leave_nothing(cluster, make, monkeypatch):
    """The checkout cannot be edited, before anything is in the cluster."""
    monkeypatch.setattr(sandboxes, "set_values", lambda *_: cluster.step("values"))
    cluster.fails_at = 0
    sandbox = make()

    with pytest.raises(StepError, match="values"), sandbox.started():
        pytest.fail("it started")
    assert _left(cluster, sandbox) == NOTHING


def test_failed_clean_up_stops_no_other(cluster, make, monkeypatch):
    """The Application cannot be deleted; the rest is, and the error is raised."""
    monkeypatch.setattr(ArgoCD, "forget", lambda *_: cluster.step("application"))
    sandbox = make(argocd=ArgoCD.__new__(ArgoCD))

    with pytest.raises(StepError, match="application"), sandbox.started():
        cluster.fails_at = len(cluster.requests)
    assert _left(cluster, sandbox) == NOTHING


def test_other_namespaces_and_switches_end(cluster, make, monkeypatch):
    """What a fault adds in the block is removed with it."""
    on = []

    class Switched:
        def __enter__(self):
            on.append("switch")

        def __exit__(self, *_):
            on.remove("switch")

    monkeypatch.setattr(sandboxes, "switched", lambda *_: Switched())
    cluster.read_namespaced_secret = lambda *_: SimpleNamespace(type="Opaque", data={})
    sandbox = make()
    with sandbox.started():
        sandbox.copy_secret_elsewhere()
        sandbox.switch_on(None)
        assert (len(sandbox.other_namespaces), on) == (1, ["switch"])

    assert _left(cluster, sandbox) == NOTHING
    assert on == []


def test_chart_namespace_that_fails_has_no_kubeconfig(cluster, make):
    """The file is written after the last request that can fail."""
    sandbox = make()
    cluster.fails_at = 5

    with pytest.raises(StepError, match="token"):
        chart_namespace.make_chart_namespace(sandbox.lab_world, "dev")
    assert _left(cluster, sandbox)["kubeconfigs"] == set()
