"""Break and recover a pull once, timed, with the suite or with the usual commands."""

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pullrecovery.common.errors import LabError
from pullrecovery.common.process import CommandError, run
from pullrecovery.common.wait import wait_for
from pullrecovery.deploy.argocd import ArgoCD
from pullrecovery.diagnosis.rollout import rolled_out
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.kube.workloads import observe_deployment, observe_pods
from pullrecovery.lab.paths import default_paths
from pullrecovery.lab.seed import LabWorld, open_world
from pullrecovery.lab.tools.versions import kubernetes_set
from pullrecovery.lab.up import LabStart
from pullrecovery.model.target import Target, Workload
from pullrecovery.model.verdict import Cause
from pullrecovery.model.wiring import VALUES
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.observe import observe_pull
from pullrecovery.tasks.reg_003_pull_secret import refresh_secret
from pullrecovery.tasks.reg_006_redeploy import redeploy, reg_006

# The timeout of both commands in seconds, because their defaults are five and ten minutes.
PATIENCE: Final = 15
_WITHIN: Final = 90.0
_LOOK_EVERY: Final = 1.0


@dataclass(frozen=True)
class Round:
    """Seconds of one round: from the first failed pull, and from the end of the remediation."""

    named: float
    recovered: float


@dataclass(frozen=True)
class Baseline:
    """Seconds of the same fault without the suite.

    `helm` and `kubectl` are from the first failed pull to the end of `helm upgrade --wait` and of
    `kubectl rollout status`, which name no cause. `back_off` is from the end of the remediation
    until the kubelet tried again on its own and the pod was Ready.
    """

    helm: float
    kubectl: float
    back_off: float


def play_rounds(root: Path, kubernetes: str, rounds: int) -> list[Round]:
    """Attach to the running lab, and time `rounds` rounds with the suite in series."""
    with open_copy(root, kubernetes) as (lab_world, target):
        return [_round(lab_world, target.workloads[-1]) for _ in range(rounds)]


def play_baselines(root: Path, kubernetes: str, rounds: int) -> list[Baseline]:
    """Attach to the running lab, and time `rounds` rounds with the usual commands."""
    with open_copy(root, kubernetes) as (lab_world, target):
        workload = target.workloads[-1]
        return [
            Baseline(*_impatient(lab_world, workload), _waited_out(lab_world, workload))
            for _ in range(rounds)
        ]


@contextmanager
def open_copy(root: Path, kubernetes: str) -> Iterator[tuple[LabWorld, Target]]:
    """Yield the running lab's world, and a copy of the target that may be edited."""
    lab = LabStart(default_paths(), kubernetes_set(kubernetes)).attach()
    if lab is None:
        raise LabError("The lab is not up any more.")
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        copy = shutil.copytree(root, Path(scratch) / "target")
        target = load_target(copy)
        with open_world(lab, target, lambda _: None) as lab_world:
            yield lab_world, target


@contextmanager
def broken(
    lab_world: LabWorld, workload: Workload, argocd: ArgoCD | None = None
) -> Iterator[Sandbox]:
    """Set up a sandbox with a missing pull secret, and a namespace and tag of its own.

    Argo CD deploys it if `argocd` is given, else Helm.
    """
    image = replace(workload.image, tag=secrets.token_hex(20))
    namespace = f"{workload.namespace}-{secrets.token_hex(3)}"
    own = replace(workload, image=image, namespace=namespace)
    sandbox = Sandbox(lab_world, own, VALUES, lab_world.issue_token(), lab_world.issue_token())
    if argocd:
        sandbox.deploy_by(argocd)
    with sandbox.started():
        lab_world.publish(own.image, own.app)
        sandbox.delete_secret()
        yield sandbox


def _round(lab_world: LabWorld, workload: Workload) -> Round:
    with broken(lab_world, workload) as sandbox:
        sandbox.world.helm.upgrade(sandbox.workload)
        failed = await_failure(sandbox)
        verdict = reg_006(observe_pull(sandbox.world, sandbox.workload))
        named = seconds_since(failed)
        if verdict.cause is not Cause.SECRET_MISSING:
            raise LabError(f"The bench's own fault was taken for another: {verdict}")
        remediated = _remediate(sandbox, recreate=True)
        _await_rollout(sandbox)
        return Round(named, seconds_since(remediated))


def _impatient(lab_world: LabWorld, workload: Workload) -> tuple[float, float]:
    """Time Helm and kubectl in parallel on one broken release, which they do not change."""
    with broken(lab_world, workload) as sandbox, ThreadPoolExecutor(2) as threads:
        helm = threads.submit(_helm_wait, sandbox)
        failed = await_failure(sandbox)
        kubectl = threads.submit(_rollout_status, sandbox)
        return _given_up(helm, failed), _given_up(kubectl, failed)


def _given_up(command: "Future[datetime]", failed: datetime) -> float:
    return (command.result() - failed).total_seconds()


def _helm_wait(sandbox: Sandbox) -> datetime:
    helm, workload = sandbox.world.helm, sandbox.workload
    values = [option for file in workload.values for option in ("--values", str(file))]
    command = [str(helm.binary), "upgrade", "--install", workload.name, str(workload.chart)]
    wait = ["--namespace", workload.namespace, "--wait", "--timeout", f"{PATIENCE}s"]
    return _fail([*command, *values, *wait], sandbox)


def _rollout_status(sandbox: Sandbox) -> datetime:
    name = observe_deployment(sandbox.world, sandbox.workload).name
    status = [
        "kubectl",
        "--namespace",
        sandbox.namespace,
        "rollout",
        "status",
        f"deployment/{name}",
    ]
    return _fail([*status, f"--timeout={PATIENCE}s"], sandbox)


def _fail(command: list[str], sandbox: Sandbox) -> datetime:
    """Run a command that must fail; return when it did."""
    try:
        run(command, env=sandbox.world.helm.environment, timeout=_WITHIN)
    except CommandError:
        return datetime.now(UTC)
    raise LabError(f"`{' '.join(command)}` held, and its pod has no image.")


def _waited_out(lab_world: LabWorld, workload: Workload) -> float:
    """Fix the Secret and not the pod; time the kubelet's own next attempt."""
    with broken(lab_world, workload) as sandbox:
        sandbox.world.helm.upgrade(sandbox.workload)
        await_failure(sandbox)
        remediated = _remediate(sandbox, recreate=False)
        _await_rollout(sandbox)
        return seconds_since(remediated)


def _remediate(sandbox: Sandbox, *, recreate: bool) -> datetime:
    """Run REG-003's remediation, and REG-006's if pods are to be recreated.

    Return when it was done.
    """
    refresh_secret(sandbox.world, sandbox.workload, sandbox.credential)
    if recreate:
        redeploy(sandbox.world, sandbox.workload)
    return datetime.now(UTC)


def await_failure(sandbox: Sandbox) -> datetime:
    """Wait until a container waits for its image; return when the first pull failed."""

    def stuck() -> bool:
        deployment = observe_deployment(sandbox.world, sandbox.workload)
        return bool(stuck_containers(observe_pods(sandbox.world, sandbox.workload, deployment)))

    _await(sandbox, "the pull fails", stuck)
    first = sandbox.recorder.first_failure() if sandbox.recorder else None
    return first or datetime.now(UTC)


def _await_rollout(sandbox: Sandbox) -> None:
    """Wait until REG-006 passes."""

    def done() -> bool:
        deployment = observe_deployment(sandbox.world, sandbox.workload)
        return rolled_out(deployment, observe_pods(sandbox.world, sandbox.workload, deployment))

    _await(sandbox, "the rollout", done)
    verdict = reg_006(observe_pull(sandbox.world, sandbox.workload))
    if not verdict.passes:
        raise LabError(f"The bench's pod runs, and REG-006 does not hold: {verdict}")


def _await(sandbox: Sandbox, what: str, ready: Callable[[], bool]) -> None:
    pause = sandbox.recorder.pause if sandbox.recorder else time.sleep
    wait_for(what, ready, bool, timeout=_WITHIN, interval=_LOOK_EVERY, pause=pause)


def seconds_since(since: datetime) -> float:
    """Return the seconds since `since` by the same clock; 0 if it is in the future."""
    return max(0.0, (datetime.now(UTC) - since).total_seconds())
