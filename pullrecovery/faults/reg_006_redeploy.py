"""Faults of REG-006: everything is fixed except what runs."""

import secrets
from dataclasses import replace

from pullrecovery.common.wait import wait_for
from pullrecovery.deploy.deployer import DeployFeature
from pullrecovery.diagnosis.rollout import rolled_out
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.faults.rows import Fault
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.faults.symptoms import PodSymptom, ReleaseSymptom, pull_error, text
from pullrecovery.kube.workloads import observe_deployment, observe_pods
from pullrecovery.model.observation import DeploymentStatus, PodStatus
from pullrecovery.model.target import Workload
from pullrecovery.model.verdict import Cause

_ALONE = frozenset({"REG-006"})
_MISSING = r":dev: not found"
_WITHIN = 45.0
# Seconds within which Helm's --wait must succeed or fail.
_PATIENCE = 20


def deploy_missing_tag(sandbox: Sandbox) -> None:
    """Set a tag in the values that was never pushed."""
    sandbox.set_value("image.tag", "dev")


def fix_values(sandbox: Sandbox) -> None:
    """Set the wanted tag in the values again."""
    sandbox.set_value("image.tag", sandbox.workload.image.tag)


def deploy_earlier_build(sandbox: Sandbox) -> None:
    """Push an earlier build, and set its tag in the values; its pods run well."""
    earlier = replace(sandbox.workload.image, tag=f"earlier-{secrets.token_hex(6)}")
    sandbox.lab_world.publish(earlier, sandbox.workload.app)
    sandbox.set_value("image.tag", earlier.tag)


def await_running(sandbox: Sandbox, workload: Workload) -> None:
    """Wait until the workload has only its newest pods, and all are Ready."""

    def look() -> bool:
        deployment = observe_deployment(sandbox.world, workload)
        return rolled_out(deployment, observe_pods(sandbox.world, workload, deployment))

    wait_for(f"{workload.name} runs", look, bool, timeout=_WITHIN)


def _upgrade_to_missing_tag(sandbox: Sandbox) -> None:
    await_running(sandbox, sandbox.workload)
    deploy_missing_tag(sandbox)
    sandbox.world.deployer.upgrade(sandbox.workload)
    fix_values(sandbox)


def _roll_back(sandbox: Sandbox) -> None:
    """Roll the release back to the previous image; Helm reports it as healthy."""
    _upgrade_to_missing_tag(sandbox)
    sandbox.world.helm.rollback(sandbox.workload, 1)
    await_running(sandbox, sandbox.workload)


def _allow_none_available(sandbox: Sandbox) -> None:
    deploy_earlier_build(sandbox)
    sandbox.set_value("rollingUpdate.maxUnavailable", 1)


def _satisfy_helm(sandbox: Sandbox) -> None:
    """Let `helm upgrade --wait` succeed although the pod cannot pull; raises if it fails."""
    await_running(sandbox, sandbox.workload)
    deploy_missing_tag(sandbox)
    sandbox.world.helm.upgrade(sandbox.workload, wait=True, within=_PATIENCE)
    fix_values(sandbox)


def _pause(sandbox: Sandbox) -> None:
    await_running(sandbox, sandbox.workload)
    name = observe_deployment(sandbox.world, sandbox.workload).name
    sandbox.world.apps.patch_namespaced_deployment(
        name, sandbox.namespace, {"spec": {"paused": True}}
    )
    fix_values(sandbox)
    sandbox.world.deployer.upgrade(sandbox.workload)


def _scale_to_nothing(sandbox: Sandbox) -> None:
    sandbox.set_value("replicaCount", 0)


def _never_pull(sandbox: Sandbox) -> None:
    sandbox.set_value("image.pullPolicy", "Never")


def _move_tag(sandbox: Sandbox) -> None:
    """Push another build under the tag; IfNotPresent leaves the old image on the node."""
    await_running(sandbox, sandbox.workload)
    sandbox.lab_world.publish(sandbox.workload.image, sandbox.workload.app)


def _deploy_under_another_name(sandbox: Sandbox) -> None:
    """Deploy the chart under another release name, and remove the workload's own release."""
    sandbox.world.deployer.uninstall(sandbox.workload)
    # With Argo CD it has its own Application.
    name = f"{sandbox.workload.name}-preview"
    other = replace(sandbox.workload, name=name, by_application="")
    sandbox.world.deployer.upgrade(other)
    await_running(sandbox, other)
    fix_values(sandbox)


def _ready(pods: tuple[PodStatus, ...], replica_set: str = "") -> list[str]:
    return [pod.name for pod in pods if pod.ready and pod.replica_set != replica_set]


def _old_serve_beside_stuck(
    deployment: DeploymentStatus, pods: tuple[PodStatus, ...], _: str
) -> str:
    old = _ready(pods, deployment.current_replica_set)
    new = [each for each in stuck_containers(pods) if ":dev: not found" in each.said]
    return f"{old[0]} is Ready; {new[0].pod.name}: {new[0].said}" if old and new else ""


def _earlier_runs(deployment: DeploymentStatus, pods: tuple[PodStatus, ...], _: str) -> str:
    earlier = [image for image in deployment.images if ":earlier-" in image]
    return f"Ready on {earlier[0]}" if earlier and rolled_out(deployment, pods) else ""


def _old_serve_paused(deployment: DeploymentStatus, pods: tuple[PodStatus, ...], _: str) -> str:
    ready = _ready(pods)
    return f"paused, and {ready[0]} is Ready" if deployment.paused and ready else ""


def _nothing_runs(deployment: DeploymentStatus, _: tuple[PodStatus, ...], __: str) -> str:
    return "0 replicas, as wanted" if deployment.observed and not deployment.replicas else ""


def _other_bytes_run(deployment: DeploymentStatus, pods: tuple[PodStatus, ...], wanted: str) -> str:
    ids = [c.image_id for pod in pods for c in pod.containers if wanted not in c.image_id]
    return f"Ready on {ids[0]}" if ids and rolled_out(deployment, pods) else ""


def _not_there(deployment: DeploymentStatus, _: tuple[PodStatus, ...], __: str) -> str:
    return "" if deployment.exists else "no Deployment of the release"


FAULTS = (
    Fault(
        id="release-never-upgraded",
        reg="REG-006",
        cause=Cause.RELEASE_STALE,
        must_fail=_ALONE,
        symptom=pull_error(_MISSING),
        break_it=deploy_missing_tag,
        after_deploy=fix_values,
    ),
    Fault(
        id="old-pods-still-serve",
        reg="REG-006",
        cause=Cause.RELEASE_STALE,
        must_fail=_ALONE,
        symptom=ReleaseSymptom(
            "an old pod serves beside one that is stuck", _old_serve_beside_stuck
        ),
        break_it=deploy_earlier_build,
        after_deploy=_upgrade_to_missing_tag,
    ),
    Fault(
        id="helm-wait-satisfied-by-max-unavailable",
        reg="REG-006",
        cause=Cause.RELEASE_STALE,
        must_fail=_ALONE,
        symptom=pull_error(_MISSING),
        break_it=_allow_none_available,
        after_deploy=_satisfy_helm,
        features=frozenset({DeployFeature.WAIT}),
        needs=("rollingUpdate.maxUnavailable",),
    ),
    Fault(
        id="rolled-back",
        reg="REG-006",
        cause=Cause.RELEASE_STALE,
        must_fail=_ALONE,
        symptom=ReleaseSymptom("the release runs an earlier build", _earlier_runs),
        break_it=deploy_earlier_build,
        after_deploy=_roll_back,
        features=frozenset({DeployFeature.ROLLBACK}),
    ),
    Fault(
        id="rollout-paused",
        reg="REG-006",
        cause=Cause.ROLLOUT_PAUSED,
        must_fail=_ALONE,
        symptom=ReleaseSymptom("the Deployment is paused", _old_serve_paused),
        break_it=deploy_earlier_build,
        after_deploy=_pause,
    ),
    Fault(
        id="scaled-to-zero",
        reg="REG-006",
        cause=Cause.SCALED_TO_NOTHING,
        must_fail=_ALONE,
        symptom=ReleaseSymptom("the Deployment has no replicas", _nothing_runs),
        break_it=_scale_to_nothing,
        needs=("replicaCount",),
    ),
    Fault(
        id="pull-policy-never",
        reg="REG-006",
        cause=Cause.NEVER_PULLED,
        must_fail=_ALONE,
        symptom=PodSymptom(
            frozenset({"ErrImageNeverPull"}), text(r"is not present with pull policy of Never")
        ),
        break_it=_never_pull,
        needs=("image.pullPolicy",),
    ),
    Fault(
        id="tag-moved",
        reg="REG-006",
        cause=Cause.TAG_MOVED,
        must_fail=_ALONE,
        symptom=ReleaseSymptom("pods run another build of the tag", _other_bytes_run),
        break_it=lambda _: None,
        after_deploy=_move_tag,
        needs=("image.pullPolicy",),
    ),
    Fault(
        id="other-release-serves",
        reg="REG-006",
        cause=Cause.NOT_DEPLOYED,
        must_fail=_ALONE,
        symptom=ReleaseSymptom("the release has no Deployment", _not_there),
        break_it=deploy_earlier_build,
        after_deploy=_deploy_under_another_name,
    ),
)
