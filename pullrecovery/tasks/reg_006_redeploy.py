"""REG-006: redeploy, and see the new pods run the wanted image."""

from dataclasses import replace

from pullrecovery.diagnosis.advice import READ, WAIT
from pullrecovery.diagnosis.pull import diagnose_pull, diagnose_release
from pullrecovery.diagnosis.reference import diagnose_chart, missing_image
from pullrecovery.diagnosis.rollout import diagnose_pause, diagnose_rollout, rolled_out
from pullrecovery.diagnosis.stuck import Stuck, stuck_containers
from pullrecovery.model import Cause, Verdict, Workload, all_named, fails, holds
from pullrecovery.observation import Observation
from pullrecovery.observe.cluster import observe_deployment, observe_pods
from pullrecovery.world import World

# As the tasks follow each other: what is to be mended first stands in front.
_ORDER = ("image", "secret", "wiring", "render", "cluster", "external", "unknown")
# What the next upgrade is to be given beside the values, to get over what holds the pods up.
_OPTIONS = {
    Cause.TAG_MOVED: "image.pullPolicy=Always",
    Cause.NEVER_PULLED: "image.pullPolicy=IfNotPresent",
}


def reg_006(seen: Observation) -> Verdict:
    """Holds when the newest ReplicaSet's pods are Ready on the wanted digest and none waits."""
    if not seen.deployment.exists:
        return _judge_absent(seen)
    stuck = [_with_words(each, diagnose_pull(seen, each)) for each in stuck_containers(seen.pods)]
    template = _judge_template(seen)
    # While it is paused no pod is of the new template, whatever the old ones say.
    held = diagnose_pause(seen) if not template else None
    named = all_named(held, *sorted(stuck, key=_rank), *template)
    return named or _judge_running(seen)


def _rank(verdict: Verdict) -> int:
    return _ORDER.index(str(verdict.cause).partition(".")[0])


def _judge_absent(seen: Observation) -> Verdict:
    """No Deployment: a chart that Helm or the API server refuses is to be mended first."""
    evidence = f"no Deployment of {seen.workload.name} in {seen.workload.namespace}"
    absent = fails(Cause.NOT_DEPLOYED, evidence, seen.workload.upgrade_command)
    return all_named(diagnose_chart(seen), absent) or absent


def _judge_template(seen: Observation) -> list[Verdict]:
    """What is wrong with the images of the Deployment, whatever its pods run."""
    name = f"Deployment {seen.deployment.name}"
    found = (diagnose_release(seen, name, image) for image in seen.deployment.images)
    return [verdict for verdict in found if verdict]


def _with_words(stuck: Stuck, verdict: Verdict) -> Verdict:
    """Both observations that a cause is named by: the pod's words, and what they led to."""
    if stuck.said in verdict.evidence:
        return verdict
    said = f"{stuck.pod.name} says {stuck.said}; seen besides: {verdict.evidence}"
    return replace(verdict, evidence=said)


def _judge_running(seen: Observation) -> Verdict:
    if not rolled_out(seen.deployment, seen.pods):
        return diagnose_rollout(seen)
    if not seen.wanted.digest:
        return _judge_wanted(seen)
    for pod in seen.pods:
        for container in pod.containers:
            if not container.image_id.endswith(seen.wanted.digest):
                evidence = f"{pod.name} runs {container.image_id}, wanted is {seen.wanted.digest}"
                remedy = f"{seen.workload.upgrade_command} --set {_OPTIONS[Cause.TAG_MOVED]}"
                return fails(Cause.TAG_MOVED, evidence, remedy)
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
