"""REG-006: redeploy, and see the new pods run the wanted image."""

from dataclasses import replace

from pullrecovery.diagnosis.advice import READ, WAIT
from pullrecovery.diagnosis.pull import diagnose_pull
from pullrecovery.diagnosis.reference import missing_image
from pullrecovery.diagnosis.stuck import Stuck, stuck_containers
from pullrecovery.model import Cause, Verdict, Workload, fails, holds
from pullrecovery.observation import DeploymentSeen, Observation, PodSeen
from pullrecovery.observe.cluster import observe_deployment, observe_pods
from pullrecovery.world import World


def reg_006(seen: Observation) -> Verdict:
    """Holds when the newest ReplicaSet's pods are Ready on the wanted digest and none waits."""
    deployment = seen.deployment
    upgrade = seen.workload.upgrade_command
    if not deployment.exists:
        return fails(Cause.NOT_DEPLOYED, f"no Deployment in {seen.workload.namespace}", upgrade)
    stuck = stuck_containers(seen.pods)
    if stuck:
        return _with_words(stuck[0], diagnose_pull(seen, stuck[0]))
    if any(image != seen.workload.image.reference for image in deployment.images):
        evidence = f"the release runs {', '.join(deployment.images)}"
        return fails(Cause.RELEASE_STALE, evidence, upgrade)
    return _judge_running(seen)


def _with_words(stuck: Stuck, verdict: Verdict) -> Verdict:
    """Both observations that a cause is named by: the pod's words, and what they led to."""
    if stuck.said in verdict.evidence:
        return verdict
    said = f"{stuck.pod.name} says {stuck.said}; seen besides: {verdict.evidence}"
    return replace(verdict, evidence=said)


def rolled_out(deployment: DeploymentSeen, pods: tuple[PodSeen, ...]) -> bool:
    """Whether the newest ReplicaSet's pods are all Ready, and no older pod lives."""
    current = [pod for pod in pods if pod.replica_set == deployment.current_replica_set]
    ready = [pod for pod in current if pod.ready]
    # Scaled to nothing is not rolled out: no pod proves anything.
    complete = 0 < len(ready) == len(current) == len(pods) == deployment.replicas
    return deployment.exists and deployment.observed and complete


def _judge_running(seen: Observation) -> Verdict:
    ready = [pod for pod in seen.pods if pod.ready]
    if not rolled_out(seen.deployment, seen.pods):
        evidence = f"{len(ready)} of {len(seen.pods)} live pods are Ready, not all of them new"
        return fails(Cause.UNKNOWN, evidence, "look at the pods' logs and probes")
    if not seen.wanted.digest:
        return _judge_wanted(seen)
    for pod in ready:
        for container in pod.containers:
            if not container.image_id.endswith(seen.wanted.digest):
                evidence = f"{pod.name} runs {container.image_id}, wanted is {seen.wanted.digest}"
                return fails(Cause.RELEASE_STALE, evidence, "recreate the pods")
    return holds()


def _judge_wanted(seen: Observation) -> Verdict:
    """Why the registry did not say which digest is wanted."""
    evidence = f"{seen.workload.image.reference}: {seen.wanted}"
    if seen.wanted.missing:
        return missing_image(seen, evidence)
    if seen.wanted.unreachable:
        return fails(Cause.REGISTRY_UNREACHABLE, evidence, WAIT)
    return fails(Cause.UNKNOWN, evidence, READ)


def redeploy(world: World, workload: Workload) -> str:
    """Upgrade the release, then delete pods that wait for an image.

    A pod's back-off belongs to its UID: a new pod pulls at once, the old one up
    to 300 s later.
    """
    world.helm.upgrade(workload)
    pods = observe_pods(world, workload, observe_deployment(world, workload))
    names = sorted({stuck.pod.name for stuck in stuck_containers(pods)})
    for name in names:
        world.core.delete_namespaced_pod(name, workload.namespace, grace_period_seconds=0)
    return f"upgraded {workload.name}, recreated {len(names)} pods"
