"""The live world, with the lab's cluster and ghcr.io in place of a user's.

It must observe what the lab observes, and change nothing: the API server's audit log has its
requests.
"""

import json
import socket

import pytest

from fixtures.lab.user_cluster import least_rules
from pullrecovery.common.wait import wait_for
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.faults.rollout import LOOK_EVERY
from pullrecovery.kube.workloads import observe_deployment, observe_pods
from pullrecovery.report.records import to_json
from pullrecovery.tasks import CRITERIA


def _pods(sandbox):
    deployment = observe_deployment(sandbox.world, sandbox.workload)
    return observe_pods(sandbox.world, sandbox.workload, deployment)


def _await_stuck(sandbox):
    """Wait until the kubelet reports a pod that waits for its image."""
    wait_for(
        "a pod waits for its image",
        lambda: stuck_containers(_pods(sandbox)),
        bool,
        timeout=60,
        interval=LOOK_EVERY,
        pause=sandbox.recorder.pause,
    )


def test_healthy_namespace_passes_unchanged(make_user_cluster):
    """Every criterion passes on every workload, and all requests to the API server are reads."""
    cluster = make_user_cluster()

    looked = cluster.look()

    assert set(looked.outcomes.values()) == {"pass"}, looked.output
    assert {one.id: one.outcome for one in looked.result.criteria} == dict.fromkeys(
        CRITERIA, "pass"
    )
    run = looked.result.run
    assert (looked.code, run.exit, run.world, run.selection) == (0, 0, "live", "all")
    assert {"list pods", "get secrets"} <= {str(each) for each in cluster.asked()}
    assert cluster.written() == []
    assert cluster.token not in looked.output + to_json(looked.result)


def test_broken_workload_has_same_cause_as_lab(make_user_cluster):
    """Each verdict has exactly the lab's causes for a revoked token and a missing tag."""
    cluster = make_user_cluster("backend")
    (sandbox,) = cluster.sandboxes
    other = sandbox.lab_world.issue_token()
    sandbox.put_secret(other)
    sandbox.lab_world.revoke(other)
    sandbox.set_value("image.tag", "dev")
    sandbox.world.helm.upgrade(sandbox.workload)
    _await_stuck(sandbox)

    looked = cluster.look()

    assert looked.causes == cluster.causes_in_the_lab(), looked.output
    assert {"REG-003-backend", "REG-005-backend", "REG-006-backend"} <= looked.causes.keys()
    assert (looked.code, looked.result.run.exit) == (1, 1)
    plans = {verdict.criterion: verdict.plan for verdict in looked.result.verdicts}
    assert "would be refreshed" in plans["REG-003"]
    assert f"+  tag: {sandbox.workload.image.tag}" in plans["REG-005"]
    assert cluster.written() == []


def test_missing_verb_makes_criteria_unknown(make_user_cluster):
    """Criteria that need pods are unknown; those that need none are still judged."""
    cluster = make_user_cluster("backend")
    cluster.allow([rule for rule in least_rules() if "pods" not in rule["resources"]])

    looked = cluster.look()

    assert looked.code == looked.result.run.exit == 2
    assert looked.outcomes["REG-006-backend"] == "unknown"
    assert looked.outcomes["REG-003-backend"] == "pass"
    namespace = cluster.sandboxes[0].namespace
    assert f"forbids to list pods in {namespace}" in looked.output
    assert "forbids to list pods" in " ".join(looked.result.run.unknowns)


def test_lab_ignores_user_cluster_and_token(inner_run, monkeypatch, tmp_path):
    """KUBECONFIG names a server that must get no connection, and GHCR_TOKEN is an unknown token."""
    token = "ghp_" + "0" * 36
    with socket.create_server(("127.0.0.1", 0)) as server:
        kubeconfig = tmp_path / "poisoned"
        cluster = {"name": "x", "cluster": {"server": f"https://127.0.0.1:{_port(server)}"}}
        context = {"name": "x", "context": {"cluster": "x", "user": "x"}}
        document = {"apiVersion": "v1", "kind": "Config", "current-context": "x"}
        document |= {"clusters": [cluster], "contexts": [context], "users": []}
        kubeconfig.write_text(json.dumps(document))
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        monkeypatch.setenv("GHCR_TOKEN", token)

        inner = inner_run("test_healthy.py", "-k", "healthy-backend-values")

        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert inner.code == 0, inner.output
    assert [control.as_expected for control in inner.result.controls] == [True]
    assert token not in inner.output + to_json(inner.result)


def _port(server):
    return server.getsockname()[1]
