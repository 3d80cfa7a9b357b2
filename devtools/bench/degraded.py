"""Measure how long Argo CD takes to report a release Degraded whose image cannot be pulled."""

from pathlib import Path
from typing import Final

from devtools.bench.rounds import await_failure, broken, open_copy, seconds_since
from pullrecovery.common.errors import LabError
from pullrecovery.common.wait import wait_for
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.lab.gitops.argocd import argocd_deployer
from pullrecovery.lab.seed import LabWorld
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.target import Target, Workload
from pullrecovery.observe.argocd import observe_application

# Kubernetes' default in seconds; the sample's charts set less.
PROGRESS_DEADLINE: Final = 600
_WITHIN: Final = PROGRESS_DEADLINE + 120.0
_LOOK_EVERY: Final = 1.0


def await_degraded(root: Path, kubernetes: str, rounds: int) -> list[float]:
    """Return the seconds from the first failed pull to Degraded, with the default deadline.

    The lab must be up, with Argo CD. Raises LabError if the target has no Application.
    """
    with open_copy(root, kubernetes) as (lab_world, target):
        return [_wait(lab_world, _with_application(target)) for _ in range(rounds)]


def _wait(lab_world: LabWorld, workload: Workload) -> float:
    argocd = argocd_deployer(lab_world.lab, lab_world)
    with broken(lab_world, workload, argocd) as sandbox:
        sandbox.set_value("progressDeadlineSeconds", PROGRESS_DEADLINE)
        sandbox.world.deployer.upgrade(sandbox.workload)
        failed = await_failure(sandbox)
        wait_for(
            "Argo CD calls it Degraded",
            lambda: _health(sandbox),
            lambda health: health == "Degraded",
            timeout=_WITHIN,
            interval=_LOOK_EVERY,
        )
        return seconds_since(failed)


def _health(sandbox: Sandbox) -> str:
    application = observe_application(sandbox.world, sandbox.workload)
    return str(application) if isinstance(application, NotObserved) else application.health


def _with_application(target: Target) -> Workload:
    for workload in target.workloads:
        if workload.application:
            return workload
    raise LabError(f"{target.name} has no workload with an Application (target.yaml: application)")
