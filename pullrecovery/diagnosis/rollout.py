"""Why a rollout is not complete, where no container waits for its image."""

from shlex import quote

from pullrecovery.diagnosis.image import OTHER_PROCESSOR, platform_missing
from pullrecovery.model.observation import ContainerSeen, DeploymentSeen, Observation, PodSeen
from pullrecovery.model.verdict import Cause, Verdict, fails


def diagnose_rollout(seen: Observation) -> Verdict:
    """What holds the rollout up; UNKNOWN where it is nothing of the image or the release."""
    deployment = seen.deployment
    if deployment.replicas == 0:
        evidence = f"Deployment {deployment.name} has 0 replicas: no pod proves anything"
        remedy = seen.workload.upgrade_with("replicaCount=1")
        return fails(Cause.SCALED_TO_NOTHING, evidence, remedy)
    return diagnose_pause(seen) or _diagnose_ended(seen) or _diagnose_init(seen) or _unknown(seen)


def diagnose_pause(seen: Observation) -> Verdict | None:
    """A rollout that somebody has paused: pods of the new template are not made."""
    if not seen.deployment.paused or rolled_out(seen.deployment, seen.pods):
        return None
    name = seen.deployment.name
    namespace, deployment = quote(seen.workload.namespace), quote(f"deployment/{name}")
    remedy = f"kubectl -n {namespace} rollout resume {deployment}"
    return fails(Cause.ROLLOUT_PAUSED, f"Deployment {name} is paused: {_running(seen)}", remedy)


def rolled_out(deployment: DeploymentSeen, pods: tuple[PodSeen, ...]) -> bool:
    """Whether the newest ReplicaSet's pods are all Ready, and no older pod lives.

    A hook's pod is none of the Deployment's; one that has not completed keeps Helm waiting.
    """
    current = [pod for pod in pods if pod.replica_set == deployment.current_replica_set]
    ready = [pod for pod in current if pod.ready]
    # Scaled to nothing is not rolled out: no pod proves anything.
    complete = 0 < len(ready) == len(current) == len(pods) == deployment.replicas
    return bool(deployment.current_replica_set) and deployment.observed and complete


def _diagnose_ended(seen: Observation) -> Verdict | None:
    for pod, container in _containers(seen):
        if OTHER_PROCESSOR.search(f"{container.ended} {container.waiting_message}"):
            said = container.ended or container.waiting_message
            return platform_missing(seen, f"{pod.name}, {container.name}: {said}")
    return None


def _diagnose_init(seen: Observation) -> Verdict | None:
    """An init container whose image is there, and which does not come to its end."""
    for pod, container in _containers(seen):
        if container.init and not container.ready and not pod.ready:
            said = container.waiting_reason or container.ended or "it runs on"
            evidence = f"{pod.name} waits for its init container {container.name}: {said}"
            logs = f"logs {quote(pod.name)} -c {quote(container.name)}"
            remedy = f"this says why: kubectl -n {quote(seen.workload.namespace)} {logs}"
            return fails(Cause.INIT_PENDING, evidence, remedy)
    return None


def _unknown(seen: Observation) -> Verdict:
    waiting = [
        f"{pod.name}, {container.name}: {container.waiting_reason} {container.ended}".strip()
        for pod, container in _containers(seen)
        if not container.ready and (container.waiting_reason or container.ended)
    ]
    refused = [seen.deployment.replica_failure] if seen.deployment.replica_failure else []
    evidence = "; ".join([_running(seen), *refused, *waiting])
    return fails(Cause.UNKNOWN, evidence, "look at the pods' logs and probes")


def _running(seen: Observation) -> str:
    ready = sum(pod.ready for pod in seen.pods)
    return f"{ready} of {len(seen.pods)} live pods are Ready, not all of them new"


def _containers(seen: Observation) -> list[tuple[PodSeen, ContainerSeen]]:
    return [(pod, container) for pod in seen.pods for container in pod.containers]
