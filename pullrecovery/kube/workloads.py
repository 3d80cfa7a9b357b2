"""The workload's Deployment, its pods, and the kubelet's events about them."""

from datetime import datetime
from typing import Any

from kubernetes import client as k8s

from pullrecovery.common.api_server import tolerate_missing
from pullrecovery.kube.events import kube_event
from pullrecovery.model.observation import ContainerStatus, DeploymentStatus, KubeEvent, PodStatus
from pullrecovery.model.target import Workload
from pullrecovery.world.read_only import ReadOnlyWorld

_HASH = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"
_INSTANCE = "app.kubernetes.io/instance"


def observe_deployment(world: ReadOnlyWorld, workload: Workload) -> DeploymentStatus:
    """Read the Deployment of the release, which has the workload's name."""
    selector = f"{_INSTANCE}={workload.name}"
    found = world.apps.list_namespaced_deployment(workload.namespace, label_selector=selector).items
    if not found:
        return DeploymentStatus(exists=False)
    deployment = found[0]
    pod = deployment.spec.template.spec
    account = pod.service_account_name or "default"
    return DeploymentStatus(
        exists=True,
        name=deployment.metadata.name,
        images=tuple(c.image for c in (*(pod.init_containers or ()), *pod.containers)),
        template_pull_secrets=_names(pod.image_pull_secrets),
        service_account=account,
        service_account_pull_secrets=account_secrets(world, workload.namespace, account),
        replicas=deployment.spec.replicas,
        observed=deployment.status.observed_generation == deployment.metadata.generation,
        current_replica_set=_current_replica_set(world, workload, deployment),
        paused=bool(deployment.spec.paused),
        replica_failure=_replica_failure(deployment),
    )


def _replica_failure(deployment: Any) -> str:
    for condition in deployment.status.conditions or ():
        if (condition.type, condition.status) == ("ReplicaFailure", "True"):
            return str(condition.message)
    return ""


def observe_pods(
    world: ReadOnlyWorld, workload: Workload, deployment: DeploymentStatus
) -> tuple[PodStatus, ...]:
    """The release's pods that are neither being deleted nor completed, with their events.

    Without a Deployment, these are the pods of a hook that runs before it, which no ReplicaSet
    owns.
    """
    selector = f"{_INSTANCE}={workload.name}"
    pods = world.core.list_namespaced_pod(workload.namespace, label_selector=selector).items
    living = [pod for pod in pods if _lives(pod) and (deployment.exists or not _hash(pod))]
    return tuple(pod_status(pod, _events(world, pod)) for pod in living)


def _hash(pod: Any) -> str:
    """The pod-template-hash of the pod's ReplicaSet; '' if no ReplicaSet owns the pod."""
    return str((pod.metadata.labels or {}).get(_HASH, ""))


def _lives(pod: Any) -> bool:
    """Whether the pod still matters; a completed pod of a hook does not."""
    return pod.metadata.deletion_timestamp is None and pod.status.phase != "Succeeded"


def _current_replica_set(world: ReadOnlyWorld, workload: Workload, deployment: Any) -> str:
    """The hash of the ReplicaSet that has the revision of the Deployment.

    '' if the newest template has no ReplicaSet: a paused rollout creates none, and the revision is
    still that of the previous template.
    """
    if deployment.spec.paused and not deployment.status.updated_replicas:
        return ""
    revision = (deployment.metadata.annotations or {}).get(_REVISION)
    sets = world.apps.list_namespaced_replica_set(
        workload.namespace, label_selector=f"{_INSTANCE}={workload.name}"
    ).items
    for replica_set in sets:
        if (replica_set.metadata.annotations or {}).get(_REVISION) == revision:
            return str(replica_set.metadata.labels.get(_HASH, ""))
    return ""


def account_secrets(world: ReadOnlyWorld, namespace: str, account: str) -> tuple[str, ...]:
    """The pull secrets that a ServiceAccount names; none if it does not exist."""
    read = tolerate_missing(world.core.read_namespaced_service_account, account, namespace)
    return _names(read.image_pull_secrets) if read else ()


def _events(world: ReadOnlyWorld, pod: Any) -> tuple[KubeEvent, ...]:
    """The recorded events of the pod, or the events that the API server still has."""
    uid = pod.metadata.uid
    if world.events is not None:
        return world.events.of(uid)
    found = world.core.list_namespaced_event(
        pod.metadata.namespace, field_selector=f"involvedObject.uid={uid}"
    )
    # Any client can serialize, also one without a connection.
    as_sent = k8s.ApiClient(k8s.Configuration()).sanitize_for_serialization
    return tuple(sorted((kube_event(as_sent(each)) for each in found.items), key=_time))


def _time(event: KubeEvent) -> datetime:
    return event.time


def pod_status(pod: Any, events: tuple[KubeEvent, ...]) -> PodStatus:
    """Convert a pod of the API, with its events."""
    before = tuple(_container(one, init=True) for one in pod.status.init_container_statuses or ())
    servers = tuple(_container(one, init=False) for one in pod.status.container_statuses or ())
    conditions = {c.type: c.status for c in pod.status.conditions or ()}
    return PodStatus(
        name=pod.metadata.name,
        uid=pod.metadata.uid,
        replica_set=_hash(pod),
        created=pod.metadata.creation_timestamp,
        service_account=pod.spec.service_account_name or "default",
        pull_secrets=_names(pod.spec.image_pull_secrets),
        ready=conditions.get("Ready") == "True",
        containers=(*before, *servers),
        events=events,
    )


def _container(status: Any, *, init: bool) -> ContainerStatus:
    waiting = status.state.waiting if status.state else None
    return ContainerStatus(
        name=status.name,
        image=status.image,
        image_id=status.image_id or "",
        ready=bool(status.ready),
        waiting_reason=(waiting.reason or "") if waiting else "",
        waiting_message=(waiting.message or "") if waiting else "",
        init=init,
        ended=_ended(status),
    )


def _ended(status: Any) -> str:
    """How the container last terminated: reason, exit code, and message."""
    states = (state for state in (status.state, status.last_state) if state)
    ended = next((state.terminated for state in states if state.terminated), None)
    if ended is None:
        return ""
    said = f": {ended.message.strip()}" if ended.message else ""
    return f"{ended.reason} {ended.exit_code}{said}"


def _names(references: Any) -> tuple[str, ...]:
    return tuple(reference.name for reference in references or ())
