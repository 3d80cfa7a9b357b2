"""Charts that ask for more than their namespace allows: what they get, and what remains of them.

The chart is one of the target's, with one template added by the test.
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

from fixtures.scenario.sandboxes import deploy, new_sandbox
from pullrecovery.common.process import CommandError
from pullrecovery.common.wait import wait_for
from pullrecovery.deploy.argocd import SyncError
from pullrecovery.faults.rollout import await_rollout
from pullrecovery.gate.run.start_charts import judge_started
from pullrecovery.lab.chart_needs import sandbox_needs
from pullrecovery.lab.cluster.cluster_objects import RELEASED_IN
from pullrecovery.lab.leak_check import await_gone, remove_cluster_wide

_FINALIZER = "pullrecovery.dev/never-removed"
_RBAC = "rbac.authorization.k8s.io"
# Limits in seconds.
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
    """Return an object of this kind, named hostile, as a chart's template would have it."""
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


def _add(sandbox, text):
    """Add a template to the sandbox's chart."""
    (sandbox.workload.chart / "templates" / "hostile.yaml").write_text(text)


def _rbac(lab_world):
    return k8s.RbacAuthorizationV1Api(lab_world.cluster)


def _cluster_wide(sandbox):
    """Return the names of cluster-scoped objects that the sandbox's chart may have created."""
    rbac = _rbac(sandbox.lab_world)
    found = [*rbac.list_cluster_role().items, *rbac.list_cluster_role_binding().items]
    names = [each.metadata.name for each in found]
    return [name for name in names if name == "hostile" or name.startswith(sandbox.namespace)]


def _refusals(sandbox):
    """Return the API server's reason to reject the pods of each Deployment of _PRIVILEGED."""

    def look():
        found = sandbox.world.apps.list_namespaced_deployment(
            sandbox.namespace, label_selector="hostile"
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


def _assert_none_runs(sandbox):
    refusals = _refusals(sandbox)
    for name, (_, field) in _PRIVILEGED.items():
        assert "violates PodSecurity" in refusals[name]
        assert field in refusals[name]
    pods = sandbox.core.list_namespaced_pod(sandbox.namespace, label_selector="hostile").items
    assert pods == []


@pytest.mark.parametrize(("text", "refusal"), _REFUSED.values(), ids=_REFUSED)
def test_chart_gets_no_rights_beyond_sandbox(make_sandbox, text, refusal):
    """Helm fails with the API server's message: the deployer may only act in its namespace."""
    sandbox = make_sandbox()
    _add(sandbox, text)

    with pytest.raises(CommandError, match=refusal):
        deploy(sandbox)


def test_chart_lookup_reads_own_namespace_only(make_sandbox):
    """A template looks up the Secrets of kube-system and gets none."""
    sandbox = make_sandbox()
    _add(sandbox, _LOOKUP)

    with pytest.raises(CommandError, match=r'"secrets" .* in the namespace "kube-system"'):
        deploy(sandbox)


def test_sandbox_token_reads_no_other_secret(make_sandbox):
    """Helm's kubeconfig is used directly; only its owner can read the file."""
    sandbox, other = make_sandbox(), make_sandbox()
    kubeconfig = sandbox.chart_namespace.kubeconfig
    client = k8s.CoreV1Api(k8s_config.new_client_from_config(str(kubeconfig)))

    assert kubeconfig.stat().st_mode & 0o777 == 0o600
    assert client.list_namespaced_secret(sandbox.namespace).kind == "SecretList"
    for namespace in (other.namespace, "kube-system"):
        with pytest.raises(ApiException, match="403"):
            client.list_namespaced_secret(namespace)
    with pytest.raises(ApiException, match="403"):
        client.patch_namespace(sandbox.namespace, {"metadata": {"labels": {"a": "b"}}})


def test_pods_beyond_baseline_do_not_run(make_sandbox):
    """The API server rejects pods that mount /, use the host's network or are privileged."""
    sandbox = make_sandbox()
    _add(sandbox, "\n---\n".join(text for text, _ in _PRIVILEGED.values()))

    deploy(sandbox)

    _assert_none_runs(sandbox)


def test_cluster_scoped_objects_are_skipped(make_sandbox):
    """The rest of the chart is applied and runs, without its binding to cluster-admin."""
    sandbox = make_sandbox()
    sandbox.publish()
    _add(sandbox, "\n---\n".join([_CLUSTER_WIDE, *(text for text, _ in _PRIVILEGED.values())]))

    deploy(sandbox)

    await_rollout(sandbox, _RUNS_WITHIN)
    assert _cluster_wide(sandbox) == []
    target = replace(sandbox.target, workloads=(sandbox.workload,))
    needs = sandbox_needs(replace(sandbox.world, target=target))
    name = sandbox.workload.name
    assert needs.skipped_objects == (
        f"{name}: ClusterRole hostile",
        f"{name}: ClusterRoleBinding hostile",
    )
    for told, (kind, (_, field)) in zip(needs.rejected_pods, _PRIVILEGED.items(), strict=True):
        assert told.startswith(f"{name}: Deployment {kind}: {field}")


def test_allowed_cluster_object_is_renamed(lab_world, tmp_path):
    """The option --allow-cluster-objects renames cluster-scoped objects.

    The new name starts with the namespace's name, and the object is deleted with the namespace.
    """
    sandbox = new_sandbox(replace(lab_world, allow_cluster_objects=True), tmp_path)
    with sandbox.started():
        _add(sandbox, _CLUSTER_WIDE)

        deploy(sandbox)

        assert _cluster_wide(sandbox) == [f"{sandbox.namespace}-hostile"] * 2
    assert _cluster_wide(sandbox) == []


@pytest.mark.parametrize("allowed", [False, True], ids=["left-out", "allowed"])
def test_gate_leaves_nothing_of_hostile_chart(make_sandbox, lab_world, allowed):
    """The gate judges the chart by the parts that run, and deletes all that it installed."""
    sandbox = make_sandbox()
    sandbox.publish()
    _add(sandbox, "\n---\n".join([_CLUSTER_WIDE, *(text for text, _ in _PRIVILEGED.values())]))
    target = replace(sandbox.target, workloads=(sandbox.workload,))

    judged_in = replace(lab_world, target=target, allow_cluster_objects=allowed)
    verdicts = judge_started(judged_in)

    assert {name for name, each in verdicts.items() if not each.passes} == set()
    assert _cluster_wide(sandbox) == []


def test_chart_finalizer_blocks_no_namespace(make_sandbox):
    """The lab removes the finalizer of a ConfigMap that no controller removes, and reports it."""
    sandbox, said = make_sandbox(), []
    metadata = {"name": "held", "finalizers": [_FINALIZER]}
    _add(sandbox, json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}))
    deploy(sandbox)
    sandbox.core.delete_namespace(sandbox.namespace)

    await_gone(sandbox.world.cluster, [sandbox.namespace], said.append, _HELD_AFTER)

    (told,) = said
    assert f"ConfigMap {sandbox.namespace}/held" in told
    assert _FINALIZER in told
    with pytest.raises(ApiException, match="404"):
        sandbox.core.read_namespace(sandbox.namespace)


def test_leftover_cluster_objects_are_leaks(lab_world):
    """Helm's annotation shows that a release in a deleted namespace created the object."""
    name, gone = (f"left-{secrets.token_hex(4)}" for _ in range(2))
    annotations = {RELEASED_IN: gone}
    metadata = k8s.V1ObjectMeta(name=name, annotations=annotations, finalizers=[_FINALIZER])
    _rbac(lab_world).create_cluster_role(k8s.V1ClusterRole(metadata=metadata))

    removed = remove_cluster_wide(lab_world.cluster, lambda namespace: namespace == gone)

    assert removed == [f"ClusterRole {name}"]

    with pytest.raises(ApiException, match="404"):
        _rbac(lab_world).read_cluster_role(name)


@pytest.mark.argocd
@pytest.mark.parametrize(("text", "refusal"), _REFUSED.values(), ids=_REFUSED)
def test_application_gets_no_rights_beyond_sandbox(by_argocd, tmp_path, text, refusal):
    """Argo CD syncs as the ServiceAccount of the Application's own namespace."""
    sandbox = by_argocd.sandbox
    _add(sandbox, text)
    manifest = YAML(typ="safe").load(sandbox.workload.application)
    # An automated sync would follow the failed one at once, and replace its message.
    del manifest["spec"]["syncPolicy"]["automated"]
    own = tmp_path / "application.json"
    own.write_text(json.dumps(manifest))
    sandbox.workload = replace(sandbox.workload, application=own)

    with pytest.raises(SyncError, match="failed to apply"):
        by_argocd.deploy()

    state = sandbox.argocd.read(sandbox.workload)["status"]["operationState"]
    resources = state["syncResult"]["resources"]
    said = "\n".join([state["message"], *(resource.get("message", "") for resource in resources)])
    assert re.search(refusal, said), said


@pytest.mark.argocd
def test_application_gets_no_cluster_objects(by_argocd):
    """The sync succeeds without the cluster-scoped objects, and reports which it skipped."""
    sandbox = by_argocd.sandbox
    _add(sandbox, "\n---\n".join([_CLUSTER_WIDE, *(text for text, _ in _PRIVILEGED.values())]))

    by_argocd.deploy()

    _assert_none_runs(sandbox)
    await_rollout(sandbox, _RUNS_WITHIN)
    assert _cluster_wide(sandbox) == []
    status = sandbox.argocd.read(sandbox.workload)["status"]
    said = " ".join(each["message"] for each in status["conditions"])
    for kind in ("ClusterRole", "ClusterRoleBinding"):
        assert f"{_RBAC}/{kind} hostile is excluded in the settings" in said
