"""Wait until a sandbox's pods are rolled out."""

from functools import partial

from pullrecovery.common.false_pass_guards import Guard
from pullrecovery.common.wait import wait_for
from pullrecovery.diagnosis.rollout import rolled_out
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.kube.workloads import observe_deployment, observe_pods
from pullrecovery.model.observation import DeploymentStatus, PodStatus

# The interval in seconds if no pod and no event gives a reason to look sooner.
LOOK_EVERY = 1.0
# For the frequent looks at pods only: reading what they belong to takes three more requests.
_SOME = DeploymentStatus(exists=True)


def await_rollout(sandbox: Sandbox, timeout: float) -> None:
    """Wait until the newest ReplicaSet's pods are the only ones and Ready; events trigger looks.

    `timeout` is seconds; raises WaitError after it.
    """
    wait_for(
        Guard.NEWEST_PODS,
        partial(is_rolled_out, sandbox),
        bool,
        timeout=timeout,
        interval=LOOK_EVERY,
        pause=sandbox.recording.pause,
    )


def is_rolled_out(sandbox: Sandbox) -> bool:
    """Return whether the newest ReplicaSet's pods are the only ones, and Ready."""
    if not any(pod.ready for pod in pods_of(sandbox)):
        return False
    deployment = observe_deployment(sandbox.world, sandbox.workload)
    return rolled_out(deployment, observe_pods(sandbox.world, sandbox.workload, deployment))


def pods_of(sandbox: Sandbox) -> tuple[PodStatus, ...]:
    """Return the release's pods, without a look at the Deployment that they belong to."""
    return observe_pods(sandbox.world, sandbox.workload, _SOME)
