"""Diagnose why a rollout is not complete although no container waits for its image."""

from shlex import quote

from pullrecovery.diagnosis.image import platform_missing
from pullrecovery.diagnosis.node_messages import OTHER_PROCESSOR
from pullrecovery.model.observation import ContainerStatus, DeploymentStatus, PodStatus
from pullrecovery.model.observed import Observed
from pullrecovery.model.verdict import Cause, Verdict, fails


def diagnose_rollout(observation: Observed) -> Verdict:
    """Diagnose what blocks the rollout; UNKNOWN if neither the image nor the release does."""
    deployment = observation.deployment
    if deployment.replicas == 0:
        evidence = f"Deployment {deployment.name} has 0 replicas: no pod proves anything"
        fix = observation.workload.upgrade_with("replicaCount=1")
        return fails(Cause.SCALED_TO_NOTHING, evidence, fix)
    return (
        diagnose_pause(observation)
        or _diagnose_ended(observation)
        or _diagnose_init(observation)
        or _unknown(observation)
    )


def diagnose_pause(observation: Observed) -> Verdict | None:
    """Diagnose a paused rollout, which creates no pods of the new template."""
    if not observation.deployment.paused or rolled_out(observation.deployment, observation.pods):
        return None
    name = observation.deployment.name
    namespace, deployment = quote(observation.workload.namespace), quote(f"deployment/{name}")
    fix = f"kubectl -n {namespace} rollout resume {deployment}"
    return fails(Cause.ROLLOUT_PAUSED, f"Deployment {name} is paused: {_running(observation)}", fix)


def rolled_out(deployment: DeploymentStatus, pods: tuple[PodStatus, ...]) -> bool:
    """Whether the newest ReplicaSet's pods are all Ready, and no older pod is alive.

    The pod of a hook does not belong to the Deployment; until it completes, Helm waits.
    """
    current = [pod for pod in pods if pod.replica_set == deployment.current_replica_set]
    ready = [pod for pod in current if pod.ready]
    # A Deployment with zero replicas is not rolled out: no pod proves anything.
    complete = 0 < len(ready) == len(current) == len(pods) == deployment.replicas
    return bool(deployment.current_replica_set) and deployment.observed and complete


def _diagnose_ended(observation: Observed) -> Verdict | None:
    for pod, container in _containers(observation):
        if OTHER_PROCESSOR.search(f"{container.ended} {container.waiting_message}"):
            said = container.ended or container.waiting_message
            return platform_missing(observation, f"{pod.name}, {container.name}: {said}")
    return None


def _diagnose_init(observation: Observed) -> Verdict | None:
    """Diagnose an init container whose image is there, but which does not complete."""
    for pod, container in _containers(observation):
        if container.init and not container.ready and not pod.ready:
            said = container.waiting_reason or container.ended or "it runs on"
            evidence = f"{pod.name} waits for its init container {container.name}: {said}"
            logs = f"logs {quote(pod.name)} -c {quote(container.name)}"
            fix = f"this says why: kubectl -n {quote(observation.workload.namespace)} {logs}"
            return fails(Cause.INIT_PENDING, evidence, fix)
    return None


def _unknown(observation: Observed) -> Verdict:
    waiting = [
        f"{pod.name}, {container.name}: {container.waiting_reason} {container.ended}".strip()
        for pod, container in _containers(observation)
        if not container.ready and (container.waiting_reason or container.ended)
    ]
    refused = (
        [observation.deployment.replica_failure] if observation.deployment.replica_failure else []
    )
    evidence = "; ".join([_running(observation), *refused, *waiting])
    return fails(Cause.UNKNOWN, evidence, "look at the pods' logs and probes")


def _running(observation: Observed) -> str:
    ready = sum(pod.ready for pod in observation.pods)
    return f"{ready} of {len(observation.pods)} live pods are Ready, not all of them new"


def _containers(observation: Observed) -> list[tuple[PodStatus, ContainerStatus]]:
    return [(pod, container) for pod in observation.pods for container in pod.containers]
