"""The workload's Deployment, its pods, and what the kubelet said about them."""

from datetime import datetime
from typing import Any

from kubernetes.client.exceptions import ApiException

from pullrecovery.model import Workload
from pullrecovery.observation import ContainerSeen, DeploymentSeen, EventSeen, PodSeen
from pullrecovery.observe.events import event_seen
from pullrecovery.world import World

_HASH = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"
_INSTANCE = "app.kubernetes.io/instance"


def observe_deployment(world: World, workload: Workload) -> DeploymentSeen:
    """The Deployment of the release named after the workload."""
    selector = f"{_INSTANCE}={workload.name}"
    found = world.apps.list_namespaced_deployment(workload.namespace, label_selector=selector).items
    if not found:
        return DeploymentSeen(exists=False)
    deployment = found[0]
    pod = deployment.spec.template.spec
    account = pod.service_account_name or "default"
    return DeploymentSeen(
        exists=True,
        name=deployment.metadata.name,
        images=tuple(c.image for c in (*(pod.init_containers or ()), *pod.containers)),
        template_pull_secrets=_names(pod.image_pull_secrets),
        service_account=account,
        service_account_pull_secrets=account_secrets(world, workload.namespace, account),
        replicas=deployment.spec.replicas,
        observed=deployment.status.observed_generation == deployment.metadata.generation,
        current_replica_set=_current_replica_set(world, workload, deployment),
    )


def observe_pods(
    world: World, workload: Workload, deployment: DeploymentSeen
) -> tuple[PodSeen, ...]:
    """The release's pods that are not being deleted, with their events."""
    if not deployment.exists:
        return ()
    selector = f"{_INSTANCE}={workload.name}"
    pods = world.core.list_namespaced_pod(workload.namespace, label_selector=selector).items
    living = [pod for pod in pods if pod.metadata.deletion_timestamp is None]
    return tuple(_pod(pod, _events(world, pod)) for pod in living)


def _current_replica_set(world: World, workload: Workload, deployment: Any) -> str:
    """The hash of the ReplicaSet that carries the Deployment's own revision."""
    revision = (deployment.metadata.annotations or {}).get(_REVISION)
    sets = world.apps.list_namespaced_replica_set(
        workload.namespace, label_selector=f"{_INSTANCE}={workload.name}"
    ).items
    for replica_set in sets:
        if (replica_set.metadata.annotations or {}).get(_REVISION) == revision:
            return str(replica_set.metadata.labels.get(_HASH, ""))
    return ""


def account_secrets(world: World, namespace: str, account: str) -> tuple[str, ...]:
    """The pull secrets that a ServiceAccount names; none where it does not exist."""
    try:
        found = world.core.read_namespaced_service_account(account, namespace)
    except ApiException as error:
        if error.status != 404:
            raise
        return ()
    return _names(found.image_pull_secrets)


def _events(world: World, pod: Any) -> tuple[EventSeen, ...]:
    """What was recorded of the pod, or what the API server still has."""
    uid = pod.metadata.uid
    if world.events is not None:
        return world.events.of(uid)
    found = world.core.list_namespaced_event(
        pod.metadata.namespace, field_selector=f"involvedObject.uid={uid}"
    )
    as_sent = world.cluster.sanitize_for_serialization
    return tuple(sorted((event_seen(as_sent(each)) for each in found.items), key=_time))


def _time(event: EventSeen) -> datetime:
    return event.time


def _pod(pod: Any, events: tuple[EventSeen, ...]) -> PodSeen:
    statuses = (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ()))
    conditions = {c.type: c.status for c in pod.status.conditions or ()}
    return PodSeen(
        name=pod.metadata.name,
        uid=pod.metadata.uid,
        replica_set=(pod.metadata.labels or {}).get(_HASH, ""),
        created=pod.metadata.creation_timestamp,
        service_account=pod.spec.service_account_name or "default",
        pull_secrets=_names(pod.spec.image_pull_secrets),
        ready=conditions.get("Ready") == "True",
        containers=tuple(_container(status) for status in statuses),
        events=events,
    )


def _container(status: Any) -> ContainerSeen:
    waiting = status.state.waiting if status.state else None
    return ContainerSeen(
        name=status.name,
        image=status.image,
        image_id=status.image_id or "",
        ready=bool(status.ready),
        waiting_reason=(waiting.reason or "") if waiting else "",
        waiting_message=(waiting.message or "") if waiting else "",
    )


def _names(references: Any) -> tuple[str, ...]:
    return tuple(reference.name for reference in references or ())
