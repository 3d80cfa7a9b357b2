"""REG-006: redeploy, and check that the new pods run the wanted image."""

from dataclasses import replace

from pullrecovery.common.api_server import tolerate_missing
from pullrecovery.common.false_pass_guards import Guard
from pullrecovery.diagnosis.application import diagnose_application, diagnose_sync
from pullrecovery.diagnosis.external import diagnose_probe, diagnose_silence
from pullrecovery.diagnosis.fix_text import READ
from pullrecovery.diagnosis.pull import diagnose_pull, diagnose_release
from pullrecovery.diagnosis.reference import diagnose_chart, missing_image
from pullrecovery.diagnosis.rollout import diagnose_pause, diagnose_rollout, rolled_out
from pullrecovery.diagnosis.stuck import Stuck, stuck_containers
from pullrecovery.kube.workloads import observe_deployment, observe_pods
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import DeploymentStatus
from pullrecovery.model.observed import Observed
from pullrecovery.model.target import Workload
from pullrecovery.model.verdict import Cause, Verdict, all_named, fails, passes
from pullrecovery.tasks.changes import Change, diff_of
from pullrecovery.tasks.criterion import Criterion
from pullrecovery.tasks.fixable import check_fixable
from pullrecovery.world.world import World

# In the order of the tasks: what to fix first comes first.
_ORDER = ("image", "secret", "grant", "wiring", "render", "cluster", "external", "unknown")
# The value that the next upgrade needs, beside the values files, to unblock the pods.
_OPTIONS = {
    Cause.TAG_MOVED: "image.pullPolicy=Always",
    Cause.PLATFORM_MISSING: "image.pullPolicy=Always",
    Cause.NEVER_PULLED: "image.pullPolicy=IfNotPresent",
    Cause.SCALED_TO_NOTHING: "replicaCount=1",
}


def _judge(observation: Observed) -> Verdict:
    """Passes if the newest ReplicaSet's pods are Ready on the wanted digest and none waits."""
    if not observation.deployment.exists:
        return _judge_absent(observation)
    stuck = [
        _with_words(each, diagnose_pull(observation, each))
        for each in stuck_containers(observation.pods)
    ]
    template = _judge_template(observation)
    # While the rollout is paused, no pod has the new template, whatever the old pods show.
    held = diagnose_pause(observation) if not template else None
    named = all_named(held, *sorted(stuck, key=_rank), *template)
    return named or _judge_running(observation)


reg_006 = Criterion(
    "REG-006",
    needs=(Observed.deployment, Observed.pods, Observed.wanted),
    uses=(
        Observed.chart,
        Observed.secret,
        Observed.pull_secrets,
        Observed.wiring,
        Observed.grant,
        Observed.identity,
        Observed.platforms,
        Observed.application,
    ),
    judge=_judge,
)


def _rank(verdict: Verdict) -> int:
    return _ORDER.index(str(verdict.cause).partition(".")[0])


def _judge_absent(observation: Observed) -> Verdict:
    """The verdict without a Deployment: a chart that Helm or the API server rejects comes first."""
    evidence = (
        f"{Guard.OBJECT_EXISTS} of {observation.workload.name} in {observation.workload.namespace}"
    )
    absent = fails(Cause.NOT_DEPLOYED, evidence, observation.workload.upgrade_command)
    stuck = (diagnose_pull(observation, each) for each in stuck_containers(observation.pods))
    chart = observation.optional(Observed.chart)
    application = observation.optional(Observed.application)
    wrong = (
        None if isinstance(chart, NotObserved) else diagnose_chart(observation, chart),
        *sorted(stuck, key=_rank),
        None if isinstance(application, NotObserved) else diagnose_application(application),
    )
    return all_named(*wrong, absent) or absent


def _judge_template(observation: Observed) -> list[Verdict]:
    """Diagnose the images of the Deployment, whatever its pods run."""
    name = f"Deployment {observation.deployment.name}"
    found = (diagnose_release(observation, name, image) for image in observation.deployment.images)
    return [verdict for verdict in found if verdict]


def _with_words(stuck: Stuck, verdict: Verdict) -> Verdict:
    """Add the pod's message to the verdict's evidence, so that it has both observations."""
    if stuck.said in verdict.evidence:
        return verdict
    said = f"{stuck.pod.name} says {stuck.said}"
    if verdict.evidence not in said:
        said = f"{said}; seen besides: {verdict.evidence}"
    return replace(verdict, evidence=said)


def _judge_running(observation: Observed) -> Verdict:
    if not rolled_out(observation.deployment, observation.pods):
        return diagnose_silence(observation) or diagnose_rollout(observation)
    if not observation.wanted.digest:
        return _judge_wanted(observation)
    for pod in observation.pods:
        for container in pod.containers:
            if not container.image_id.endswith(observation.wanted.digest):
                evidence = (
                    f"{pod.name} runs {container.image_id}, wanted is {observation.wanted.digest}"
                )
                fix = observation.workload.upgrade_with(_OPTIONS[Cause.TAG_MOVED])
                return fails(Cause.TAG_MOVED, evidence, fix)
    return diagnose_sync(observation) or passes()


def _judge_wanted(observation: Observed) -> Verdict:
    """Why the registry did not report the wanted digest."""
    evidence = f"{observation.workload.image.reference}: {observation.wanted}"
    if observation.wanted.missing:
        return missing_image(observation, evidence)
    reference = observation.workload.image.reference
    return diagnose_probe(reference, observation.wanted) or fails(Cause.UNKNOWN, evidence, READ)


def redeploy(
    world: World, workload: Workload, verdict: Verdict | None = None, *, dry_run: bool = False
) -> Change:
    """Upgrade the release, resume its rollout, and delete pods that wait for an image.

    A pod's back-off belongs to its UID: a new pod pulls at once, the old one up to 300 s later.
    `verdict` is REG-006's: some causes need an option of the upgrade. The change shows the objects
    of the release, and the state that only live objects have. A second call shows no change. Raises
    NothingToFixError for an external cause.
    """
    if verdict:
        check_fixable(verdict)
    causes = [each.cause for each in verdict.named] if verdict else []
    settings = [_OPTIONS[cause] for cause in causes if cause in _OPTIONS]
    deployment = observe_deployment(world, workload)
    before = _objects(world.deployer.manifest(workload), _held(world, workload, deployment))
    if dry_run:
        after = world.helm.template(workload, settings=settings, hooks=False)
    else:
        after = world.deployer.upgrade(workload, settings=settings)
        if deployment.paused:
            _resume(world, workload, deployment)
        _recreate(world, workload)
    diff = diff_of(before, _objects(after, []), f"release {workload.name}")
    if not diff:
        return Change(f"{workload.name} runs as its chart renders it")
    return Change(f"upgraded {workload.name} to {workload.image.reference}", diff)


def _objects(manifest: str, live: list[str]) -> str:
    """The objects of a release as text, with one line for each state of live objects."""
    lines = [line.rstrip() for line in manifest.splitlines() if line.strip() not in ("", "---")]
    return "\n".join([*live, *lines])


def _held(world: World, workload: Workload, deployment: DeploymentStatus) -> list[str]:
    """The state that is in no chart: a pause, and pods that wait for an image."""
    paused = [f"# live: Deployment {deployment.name} is paused"] if deployment.paused else []
    names = _waiting(world, workload, deployment)
    return [*paused, *(f"# live: Pod {name} waits for its image" for name in names)]


def _waiting(world: World, workload: Workload, deployment: DeploymentStatus) -> list[str]:
    stuck = stuck_containers(observe_pods(world, workload, deployment))
    return sorted({each.pod.name for each in stuck})


def _resume(world: World, workload: Workload, deployment: DeploymentStatus) -> None:
    body = {"spec": {"paused": None}}
    world.apps.patch_namespaced_deployment(deployment.name, workload.namespace, body)


def _recreate(world: World, workload: Workload) -> None:
    """Delete pods that still wait; the upgrade may have deleted some meanwhile."""
    for name in _waiting(world, workload, observe_deployment(world, workload)):
        delete = world.core.delete_namespaced_pod
        tolerate_missing(delete, name, workload.namespace, grace_period_seconds=0)
