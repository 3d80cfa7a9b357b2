"""A sandbox: its kubeconfig, its labels, and a Helm that omits objects no sandbox may have."""

import json
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from pullrecovery.common.process import CommandError
from pullrecovery.deploy.helm import Helm
from pullrecovery.lab import chart_namespace
from pullrecovery.lab.chart_needs import _violations
from pullrecovery.lab.cluster.api_kinds import ApiKind
from pullrecovery.lab.paths import Paths
from tests.fakes.recorded import GOOD

TOKEN = "eyJ-the-token-of-a-sandbox"
FORBIDDEN = (
    'clusterroles.rbac.authorization.k8s.io "reads" is forbidden: User'
    ' "system:serviceaccount:dev:pull-recovery-deployer" cannot get resource "clusterroles" in API'
    ' group "rbac.authorization.k8s.io" at the cluster scope'
)
ROLE = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: reads}\n"
CONFIG = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n"
KIND = ApiKind(
    "rbac.authorization.k8s.io",
    "v1",
    "ClusterRole",
    "clusterroles",
    namespaced=False,
    verbs=frozenset({"list"}),
)


@pytest.fixture
def paths(tmp_path):
    """Return the paths of a lab that has a kubeconfig."""
    paths = Paths(tmp_path / "cache", tmp_path)
    cluster = {"name": "kind", "cluster": {"server": "https://127.0.0.1:6443"}}
    user = {"name": "admin", "user": {"client-key-data": "the-admins"}}
    paths.kubeconfig.write_text(json.dumps({"clusters": [cluster], "users": [user]}))
    return paths


@pytest.fixture
def helm(monkeypatch, tmp_path):
    """Return Helm before an API server that refuses with `said`, and the charts it installed."""
    installed = []

    def make(said, rendered, *, allowed=False):
        def upgrade(_, workload, **__):
            if workload.chart == GOOD.workload.chart:
                raise CommandError(["helm", "upgrade"], 1, said)
            installed.append((workload.chart / "objects.yaml").read_text())
            return "manifest"

        monkeypatch.setattr(Helm, "upgrade", upgrade)
        monkeypatch.setattr(Helm, "template", lambda *_, **__: rendered)
        monkeypatch.setattr(chart_namespace, "scopes", lambda _: {(KIND.group, KIND.kind): KIND})
        applied = []
        monkeypatch.setattr(
            chart_namespace, "apply", lambda _, objects: applied.append(objects) or ["/p"]
        )
        own = chart_namespace.ConfinedHelm(tmp_path / "helm", {}, api=None, allowed=allowed)
        return own, installed, applied

    return make


def test_kubeconfig_has_only_sandbox_token(paths):
    """The kubeconfig has mode 0600, in a folder with mode 0700."""
    file = chart_namespace._write_kubeconfig(paths, "dev", TOKEN)

    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    written = YAML(typ="safe").load(file)
    assert written["users"] == [{"name": chart_namespace.DEPLOYER, "user": {"token": TOKEN}}]
    assert written["clusters"][0]["cluster"] == {"server": "https://127.0.0.1:6443"}
    assert "the-admins" not in file.read_text()


def test_leftover_kubeconfig_is_removed(paths):
    """The token has ended with the namespace."""
    file = chart_namespace._write_kubeconfig(paths, "dev", TOKEN)

    assert chart_namespace.forget_chart_namespaces(paths) == [f"kubeconfig {file.name}"]
    assert chart_namespace.forget_chart_namespaces(paths) == []


def test_namespace_enforces_baseline():
    """The API server enforces the label of the namespace."""
    assert (
        chart_namespace.chart_namespace_labels()["pod-security.kubernetes.io/enforce"] == "baseline"
    )


def test_refused_cluster_object_is_skipped(helm):
    """The release has the remaining objects."""
    own, installed, applied = helm(FORBIDDEN, ROLE + CONFIG)

    assert own.upgrade(GOOD.workload) == "manifest"

    assert (installed, applied) == ([CONFIG], [])


def test_allowed_object_is_applied_by_admin(helm):
    """The object gets another name, and is recorded for the removal of the sandbox."""
    own, installed, applied = helm(FORBIDDEN, ROLE + CONFIG, allowed=True)

    own.upgrade(GOOD.workload)

    (((role,),),) = (applied,)
    assert role["metadata"]["name"] == f"{GOOD.workload.namespace}-reads"
    assert own.applied == {"/p"}
    assert len(installed) == 1


@pytest.mark.parametrize(
    ("said", "rendered"), [("Error: timed out", ROLE + CONFIG), (FORBIDDEN, CONFIG)]
)
def test_other_refusal_is_left_as_helm_says_it(helm, said, rendered):
    """If nothing is omitted, the chart is not tried again."""
    own, installed, _ = helm(said, rendered)

    with pytest.raises(CommandError, match=said[:20]):
        own.upgrade(GOOD.workload)

    assert installed == []


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, ""),
        ({"Warning": '299 - "unknown field \\"spec.x\\""'}, ""),
        (
            {
                "Warning": '299 - "would violate PodSecurity \\"baseline:latest\\": hostPath volumes'
                ' (volume \\"root\\")"'
            },
            'hostPath volumes (volume "root")',
        ),
    ],
)
def test_baseline_violation_is_reported(headers, told):
    """A violation is a warning for the template of a pod, which is not stored."""
    answer = (None, 201, headers)
    asked = SimpleNamespace(create_namespaced_pod_template_with_http_info=lambda *_, **__: answer)

    assert _violations(asked, "needs", {"containers": []}) == told
