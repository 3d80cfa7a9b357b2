"""Observations of a Deployment and of its release's pods, from the API server's objects."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from kubernetes import client as k8s

from pullrecovery.kube.workloads import observe_deployment, observe_pods
from pullrecovery.model.observation import DeploymentStatus
from tests.fakes import recorded

WORKLOAD = recorded.GOOD.workload
REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"


def _items(*items):
    return lambda *_, **__: SimpleNamespace(items=list(items))


def _deployment(*, paused=None, updated=1, conditions=None):
    template = k8s.V1PodTemplateSpec(
        spec=k8s.V1PodSpec(
            containers=[k8s.V1Container(name="web", image=recorded.REFERENCE)],
            init_containers=[k8s.V1Container(name="prepare", image="x:1")],
            service_account_name="frontend",
        )
    )
    return k8s.V1Deployment(
        metadata=k8s.V1ObjectMeta(name="frontend", generation=3, annotations={REVISION: "2"}),
        spec=k8s.V1DeploymentSpec(
            replicas=1, paused=paused, selector=k8s.V1LabelSelector(), template=template
        ),
        status=k8s.V1DeploymentStatus(
            observed_generation=3, updated_replicas=updated, conditions=conditions
        ),
    )


def _replica_set(revision, name):
    meta = k8s.V1ObjectMeta(labels={HASH: name}, annotations={REVISION: revision})
    return SimpleNamespace(metadata=meta)


def _pod(name, *, labels=None, phase="Running", deleted=None, statuses=(), before=()):
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(
            name=name, uid=name, labels=labels, deletion_timestamp=deleted, namespace="frontend-dev"
        ),
        spec=k8s.V1PodSpec(containers=[]),
        status=k8s.V1PodStatus(
            phase=phase,
            conditions=[k8s.V1PodCondition(type="Ready", status="True")],
            container_statuses=list(statuses),
            init_container_statuses=list(before),
        ),
    )


def _status(name, **states):
    return k8s.V1ContainerStatus(
        name=name,
        image=recorded.REFERENCE,
        image_id="",
        restart_count=0,
        ready=False,
        state=k8s.V1ContainerState(**states.get("state", {})),
        last_state=k8s.V1ContainerState(**states.get("last", {})),
    )


def _world(*deployments, pods=()):
    sets = (_replica_set("1", "old"), _replica_set("2", "new"))
    account = SimpleNamespace(image_pull_secrets=[SimpleNamespace(name="ghcr-credentials")])
    return SimpleNamespace(
        apps=SimpleNamespace(
            list_namespaced_deployment=_items(*deployments),
            list_namespaced_replica_set=_items(*sets),
        ),
        core=SimpleNamespace(
            list_namespaced_pod=_items(*pods),
            read_namespaced_service_account=lambda *_: account,
        ),
        events=SimpleNamespace(of=lambda uid: (f"event of {uid}",)),
    )


def test_deployment_has_every_image():
    """The images of init containers are included."""
    seen = observe_deployment(_world(_deployment()), WORKLOAD)

    assert seen == DeploymentStatus(
        exists=True,
        name="frontend",
        images=("x:1", recorded.REFERENCE),
        service_account="frontend",
        service_account_pull_secrets=("ghcr-credentials",),
        replicas=1,
        observed=True,
        current_replica_set="new",
    )


def test_release_without_a_deployment_has_none():
    """Other objects of the release do not matter."""
    assert observe_deployment(_world(), WORKLOAD) == DeploymentStatus(exists=False)


@pytest.mark.parametrize(("updated", "current"), [(None, ""), (0, ""), (1, "new")])
def test_paused_deployment_has_no_new_replica_set(updated, current):
    """The revision of a paused Deployment is that of the previous template."""
    seen = observe_deployment(_world(_deployment(paused=True, updated=updated)), WORKLOAD)

    assert seen.paused
    assert seen.current_replica_set == current


def test_pod_refusal_is_observed():
    """Only the condition shows the refusal, because there is no pod."""
    conditions = [
        k8s.V1DeploymentCondition(type="Available", status="True", message="fine"),
        k8s.V1DeploymentCondition(type="ReplicaFailure", status="True", message="no such pod"),
    ]

    seen = observe_deployment(_world(_deployment(conditions=conditions)), WORKLOAD)

    assert seen.replica_failure == "no such pod"
    over = [k8s.V1DeploymentCondition(type="ReplicaFailure", status="False", message="was so")]
    assert observe_deployment(_world(_deployment(conditions=over)), WORKLOAD).replica_failure == ""


def test_live_pods_have_events():
    """Pods that are being deleted, and those of completed hooks, are omitted."""
    world = _world(
        pods=(
            _pod("new", labels={HASH: "new"}),
            _pod("going", deleted=datetime(2026, 11, 24, tzinfo=UTC)),
            _pod("done", phase="Succeeded"),
            _pod("hook"),
        )
    )

    seen = observe_pods(world, WORKLOAD, recorded.GOOD.deployment)

    assert [(pod.name, pod.replica_set) for pod in seen] == [("new", "new"), ("hook", "")]
    assert seen[0].events == ("event of new",)
    assert seen[0].ready


def test_hook_pods_belong_to_release():
    """Pods of a deleted ReplicaSet are being deleted too."""
    world = _world(pods=(_pod("orphan", labels={HASH: "new"}), _pod("hook")))

    seen = observe_pods(world, WORKLOAD, DeploymentStatus(exists=False))

    assert [pod.name for pod in seen] == ["hook"]


def test_containers_are_in_start_order():
    """A container has the kubelet's reason, and its last termination."""
    waiting = {"waiting": k8s.V1ContainerStateWaiting(reason="CrashLoopBackOff", message="wait")}
    ended = k8s.V1ContainerStateTerminated(reason="Error", exit_code=255, message="last words\n")
    pod = _pod(
        "new",
        before=[_status("prepare", state={"terminated": ended})],
        statuses=[_status("web", state=waiting, last={"terminated": ended}), _status("side")],
    )

    prepare, web, side = observe_pods(_world(pods=(pod,)), WORKLOAD, recorded.GOOD.deployment)[
        0
    ].containers

    assert (prepare.name, prepare.init, prepare.ended) == ("prepare", True, "Error 255: last words")
    assert (web.init, web.waiting_reason, web.waiting_message) == (
        False,
        "CrashLoopBackOff",
        "wait",
    )
    assert (web.ended, web.image_id) == ("Error 255: last words", "")
    assert (side.ended, side.waiting_reason) == ("", "")


def test_events_fall_back_to_api_server():
    """Without a watch, the events come from the API server."""
    pod = _pod("a", labels={HASH: "new"})
    stamp = datetime(2026, 11, 24, 3, 20, 49, tzinfo=UTC)
    event = k8s.CoreV1Event(
        metadata=k8s.V1ObjectMeta(name="e", creation_timestamp=stamp),
        involved_object=k8s.V1ObjectReference(uid="a", field_path="spec.containers{web}"),
        reason="Pulled",
        message="Successfully pulled image",
        last_timestamp=stamp,
    )
    world = _world(_deployment(), pods=[pod])
    world.events, world.cluster = None, "https://nowhere"
    world.core.list_namespaced_event = _items(event)

    (seen,) = observe_pods(world, WORKLOAD, DeploymentStatus(exists=True))

    assert [(each.reason, each.stamped) for each in seen.events] == [("Pulled", stamp)]
