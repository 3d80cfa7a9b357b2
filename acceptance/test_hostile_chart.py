"""Charts that ask for more than their sandbox has: what they get, and what stays of them.

The chart is one of the target's, with a template of the test's own beside those it has.
"""

import json
import re
import secrets
from dataclasses import replace

import pytest
from kubernetes import client as k8s
from kubernetes import config as k8s_config
from kubernetes.client.exceptions import ApiException
from ruamel.yaml import YAML

from fixtures.scenario.sandboxes import deploy
from fixtures.scenario.symptoms import await_rollout
from pullrecovery.common.process import CommandError
from pullrecovery.common.wait import wait_for
from pullrecovery.deploy.argocd import SyncError
from pullrecovery.gate.run.start_charts import judge_started
from pullrecovery.lab.cluster.cluster_objects import RELEASED_IN
from pullrecovery.lab.leak_check import await_gone, remove_cluster_wide
from pullrecovery.lab.sandbox_needs import sandbox_needs

_FINALIZER = "pullrecovery.dev/never-removed"
_RBAC = "rbac.authorization.k8s.io"
# Seconds.
_HELD_AFTER = 2.0
_RUNS_WITHIN = 90.0
_REFUSED_WITHIN = 30.0
_EVERYTHING = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
_ADMIN = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "cluster-admin"}
_SUBJECTS = [{"kind": "ServiceAccount", "name": "default", "namespace": "default"}]
_NOT_HELD = "attempting to grant RBAC permissions not currently held"
_ROOT = {"name": "root", "hostPath": {"path": "/"}}
_CONTAINER = {"name": "main", "image": "ghcr.io/bytequester/none:1"}


def _object(kind, group="", namespace="", **fields):
    """Return an object of this kind, named hostile, as a template of a chart."""
    place = {"namespace": namespace} if namespace else {}
    api = f"{group}/v1" if group else "v1"
    metadata = {"name": "hostile", **place}
    return json.dumps({"apiVersion": api, "kind": kind, "metadata": metadata, **fields})


def _deployment(name, **spec):
    """Return a Deployment of pods with this spec."""
    labels = {"hostile": name}
    pod = {"containers": [_CONTAINER], **spec}
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }
    )


_REFUSED = {
    "role-of-everything": (_object("Role", _RBAC, rules=_EVERYTHING), _NOT_HELD),
    "binding-to-cluster-admin": (
        _object("RoleBinding", _RBAC, roleRef=_ADMIN, subjects=_SUBJECTS),
        _NOT_HELD,
    ),
    "binding-in-kube-system": (
        _object("RoleBinding", _RBAC, "kube-system", roleRef=_ADMIN, subjects=_SUBJECTS),
        'cannot .* resource "rolebindings" .* in the namespace "kube-system"',
    ),
    "secret-in-default": (
        _object("Secret", "", "default"),
        'cannot .* resource "secrets" .* in the namespace "default"',
    ),
}
_LOOKUP = '{{ $found := lookup "v1" "Secret" "kube-system" "" }}'
_PRIVILEGED = {
    "host-path": (_deployment("host-path", volumes=[_ROOT]), "hostPath volumes"),
    "host-network": (_deployment("host-network", hostNetwork=True), "host namespaces"),
    "privileged": (
        _deployment(
            "privileged", containers=[{**_CONTAINER, "securityContext": {"privileged": True}}]
        ),
        "privileged",
    ),
}
_CLUSTER_WIDE = "---\n".join(
    f"{text}\n"
    for text in (
        _object("ClusterRole", _RBAC, rules=_EVERYTHING),
        _object("ClusterRoleBinding", _RBAC, roleRef=_ADMIN, subjects=_SUBJECTS),
    )
)


def _add(ground, text):
    """Add a template to the chart of this ground."""
    (ground.workload.chart / "templates" / "hostile.yaml").write_text(text)


def _rbac(lab_world):
    return k8s.RbacAuthorizationV1Api(lab_world.world.cluster)


def _cluster_wide(ground):
    """Return the names of what this ground's chart may have got beyond its sandbox."""
    rbac = _rbac(ground.lab_world)
    found = [*rbac.list_cluster_role().items, *rbac.list_cluster_role_binding().items]
    names = [each.metadata.name for each in found]
    return [name for name in names if name == "hostile" or name.startswith(ground.namespace)]


def _refusals(ground):
    """Return why the API server takes no pod of each Deployment of _PRIVILEGED, once it says so."""

    def look():
        found = ground.world.apps.list_namespaced_deployment(
            ground.namespace, label_selector="hostile"
        ).items
        return {
            each.metadata.name: condition.message
            for each in found
            for condition in each.status.conditions or ()
            if condition.type == "ReplicaFailure"
        }

    return wait_for(
        "the pods are refused",
        look,
        lambda seen: seen.keys() == _PRIVILEGED.keys(),
        timeout=_REFUSED_WITHIN,
    )


def _assert_none_runs(ground):
    refusals = _refusals(ground)
    for name, (_, field) in _PRIVILEGED.items():
        assert "violates PodSecurity" in refusals[name]
        assert field in refusals[name]
    pods = ground.core.list_namespaced_pod(ground.namespace, label_selector="hostile").items
    assert pods == []


@pytest.mark.parametrize(("text", "refusal"), _REFUSED.values(), ids=_REFUSED)
def test_chart_gets_no_rights_beyond_its_sandbox(make_ground, text, refusal):
    """Helm fails with the API server's words: the deployer's rights are those of its namespace."""
    ground = make_ground()
    _add(ground, text)

    with pytest.raises(CommandError, match=refusal):
        deploy(ground)


def test_lookup_of_a_chart_reads_no_other_namespace(make_ground):
    """A template asks the API server for the Secrets of kube-system."""
    ground = make_ground()
    _add(ground, _LOOKUP)

    with pytest.raises(CommandError, match=r'"secrets" .* in the namespace "kube-system"'):
        deploy(ground)


def test_token_of_a_sandbox_reads_no_other_secret(make_ground):
    """The kubeconfig that Helm is given is used directly; it is for its owner's eyes alone."""
    ground, other = make_ground(), make_ground()
    kubeconfig = ground.sandbox.kubeconfig
    client = k8s.CoreV1Api(k8s_config.new_client_from_config(str(kubeconfig)))

    assert kubeconfig.stat().st_mode & 0o777 == 0o600
    assert client.list_namespaced_secret(ground.namespace).kind == "SecretList"
    for namespace in (other.namespace, "kube-system"):
        with pytest.raises(ApiException, match="403"):
            client.list_namespaced_secret(namespace)
    with pytest.raises(ApiException, match="403"):
        client.patch_namespace(ground.namespace, {"metadata": {"labels": {"a": "b"}}})


def test_pods_beyond_baseline_do_not_run(make_ground):
    """A mount of /, the host's network, a privileged container: the API server rejects each pod."""
    ground = make_ground()
    _add(ground, "\n---\n".join(text for text, _ in _PRIVILEGED.values()))

    deploy(ground)

    _assert_none_runs(ground)


def test_cluster_scoped_objects_are_left_out_and_named(make_ground, lab_world):
    """The rest of the chart is applied and runs; a ClusterRoleBinding to cluster-admin is not."""
    ground = make_ground()
    ground.publish()
    _add(ground, "\n---\n".join([_CLUSTER_WIDE, *(text for text, _ in _PRIVILEGED.values())]))

    deploy(ground)

    await_rollout(ground, _RUNS_WITHIN)
    assert _cluster_wide(ground) == []
    target = replace(ground.target, workloads=(ground.workload,))
    needs = sandbox_needs(replace(lab_world, world=replace(ground.world, target=target)))
    name = ground.workload.name
    assert needs.left_out == (
        f"{name}: ClusterRole hostile",
        f"{name}: ClusterRoleBinding hostile",
    )
    for told, (kind, (_, field)) in zip(needs.not_run, _PRIVILEGED.items(), strict=True):
        assert told.startswith(f"{name}: Deployment {kind}: {field}")


def test_allowed_cluster_object_has_a_name_of_its_own(make_ground, lab_world):
    """--allow-cluster-objects: it begins with the sandbox's namespace, and goes with it."""
    ground = make_ground()
    own = replace(lab_world, allow_cluster_objects=True)
    ground.clear()
    ground.lab_world = own
    ground.workload = replace(ground.workload, namespace=f"allowed-{secrets.token_hex(3)}")
    ground.lay()
    _add(ground, _CLUSTER_WIDE)

    deploy(ground)

    assert _cluster_wide(ground) == [f"{ground.namespace}-hostile"] * 2
    ground.clear()
    assert _cluster_wide(ground) == []


@pytest.mark.parametrize("allowed", [False, True], ids=["left-out", "allowed"])
def test_gate_leaves_nothing_of_a_hostile_chart(make_ground, lab_world, allowed):
    """The chart is judged by what runs of it, and everything that the gate installed is gone."""
    ground = make_ground()
    ground.publish()
    _add(ground, "\n---\n".join([_CLUSTER_WIDE, *(text for text, _ in _PRIVILEGED.values())]))
    target = replace(ground.target, workloads=(ground.workload,))
    world = replace(lab_world.world, target=target)

    judged_in = replace(lab_world, world=world, allow_cluster_objects=allowed)
    verdicts = judge_started(judged_in)

    assert {name for name, each in verdicts.items() if not each.holds} == set()
    assert _cluster_wide(ground) == []


def test_finalizer_of_a_chart_holds_no_namespace(make_ground):
    """The lab removes the finalizer of a ConfigMap that nothing else removes, and names it."""
    ground, said = make_ground(), []
    metadata = {"name": "held", "finalizers": [_FINALIZER]}
    _add(ground, json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}))
    deploy(ground)
    ground.core.delete_namespace(ground.namespace)

    await_gone(ground.world.cluster, [ground.namespace], said.append, _HELD_AFTER)

    (told,) = said
    assert f"ConfigMap {ground.namespace}/held" in told
    assert _FINALIZER in told
    with pytest.raises(ApiException, match="404"):
        ground.core.read_namespace(ground.namespace)


def test_cluster_scoped_objects_of_a_gone_sandbox_are_leaks(lab_world):
    """Helm's annotation says that a release in a namespace that is gone has made it."""
    name, gone = (f"left-{secrets.token_hex(4)}" for _ in range(2))
    annotations = {RELEASED_IN: gone}
    metadata = k8s.V1ObjectMeta(name=name, annotations=annotations, finalizers=[_FINALIZER])
    _rbac(lab_world).create_cluster_role(k8s.V1ClusterRole(metadata=metadata))

    removed = remove_cluster_wide(lab_world.world.cluster, lambda namespace: namespace == gone)

    assert removed == [f"ClusterRole {name}"]

    with pytest.raises(ApiException, match="404"):
        _rbac(lab_world).read_cluster_role(name)


@pytest.mark.argocd
@pytest.mark.parametrize(("text", "refusal"), _REFUSED.values(), ids=_REFUSED)
def test_application_gets_no_rights_beyond_its_sandbox(by_argocd, tmp_path, text, refusal):
    """Argo CD syncs as the ServiceAccount of the Application's own sandbox."""
    ground = by_argocd.ground
    _add(ground, text)
    manifest = YAML(typ="safe").load(ground.workload.application)
    # An automated sync would follow the failed one at once, and take the place of its message.
    del manifest["spec"]["syncPolicy"]["automated"]
    own = tmp_path / "application.json"
    own.write_text(json.dumps(manifest))
    ground.workload = replace(ground.workload, application=own)

    with pytest.raises(SyncError, match="failed to apply"):
        by_argocd.deploy()

    state = ground.argocd.read(ground.workload)["status"]["operationState"]
    resources = state["syncResult"]["resources"]
    said = "\n".join([state["message"], *(each.get("message", "") for each in resources)])
    assert re.search(refusal, said), said


@pytest.mark.argocd
def test_application_gets_nothing_cluster_scoped_and_no_privileges(by_argocd):
    """The sync succeeds without them, and names what it left out."""
    ground = by_argocd.ground
    _add(ground, "\n---\n".join([_CLUSTER_WIDE, *(text for text, _ in _PRIVILEGED.values())]))

    by_argocd.deploy()

    _assert_none_runs(ground)
    await_rollout(ground, _RUNS_WITHIN)
    assert _cluster_wide(ground) == []
    status = ground.argocd.read(ground.workload)["status"]
    said = " ".join(each["message"] for each in status["conditions"])
    for kind in ("ClusterRole", "ClusterRoleBinding"):
        assert f"{_RBAC}/{kind} hostile is excluded in the settings" in said
