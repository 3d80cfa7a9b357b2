"""Run the acceptance suite: read the target, start the lab, run pytest, check for leaks."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from docker.errors import DockerException
from kubernetes.client.exceptions import ApiException

from pullrecovery.common.errors import Exit, PullRecoveryError
from pullrecovery.common.false_pass_guards import Guard
from pullrecovery.common.process import child, interrupt_session
from pullrecovery.common.suite_files import REPORTS, SUITE_ROOT
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.chart_needs import Needs, sandbox_needs
from pullrecovery.lab.cluster.kind_cluster import NODE
from pullrecovery.lab.docs_site.lab_docs_site import building_beside
from pullrecovery.lab.engine.egress_guard import attempts
from pullrecovery.lab.gitops.argocd import PHASE as ARGOCD
from pullrecovery.lab.gitops.argocd import install_argocd
from pullrecovery.lab.gitops.git_server import drop_branches
from pullrecovery.lab.leak_check import find_secrets, remove_leaks
from pullrecovery.lab.lock import locked
from pullrecovery.lab.paths import default_paths
from pullrecovery.lab.progress import Progress
from pullrecovery.lab.registry.container import emulator_output
from pullrecovery.lab.runner.container import CONTAINER as RUNNER
from pullrecovery.lab.runner.container import runner_output
from pullrecovery.lab.seed import open_world, seed_images
from pullrecovery.lab.tools.versions import kubernetes_set
from pullrecovery.lab.up import PHASES, Lab, LabStart
from pullrecovery.model.target import Target
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.observe.docs import observe_docs
from pullrecovery.report.records import Result, read_result, write_result
from pullrecovery.report.summary import summary

# A pytest option that also decides whether the lab starts a cluster.
NO_CLUSTER = "--no-cluster"
_NO_ARGOCD = "--no-argocd"
_RESULT = REPORTS / "result.json"
# Two cores run this many at once; with more, each scenario only takes longer.
_ROWS_SIDE_BY_SIDE = 4


def run_acceptance(
    folder: Path, kubernetes: str, *, smoke: bool, extra: Sequence[str], argocd: bool = True
) -> int:
    """Run the acceptance suite and return the exit code in result.json, see `errors.Exit`.

    Without `argocd`, Argo CD deploys nothing and the result is partial.
    """
    target = load_target(folder.resolve())
    versions = kubernetes_set(kubernetes)
    with_cluster = NO_CLUSTER not in extra
    phases = [phase for phase in PHASES if with_cluster or phase != "cluster"]
    # Without an Application in the target, nothing is skipped and the result is complete.
    has_application = any(workload.application for workload in target.workloads)
    options = [f"--target={target.root}", f"--kubernetes={versions.kubernetes}"]
    options += ["--smoke"] if smoke else []
    options += [_NO_ARGOCD] if has_application and not argocd else []
    argocd = argocd and with_cluster and has_application
    progress = Progress((*phases, *([ARGOCD] if argocd else []), "seed", "tests"))
    REPORTS.mkdir(exist_ok=True)
    _RESULT.unlink(missing_ok=True)
    paths = default_paths()
    # In the lab's state directory, because a temporary directory elsewhere would not be removed.
    options += [f"--basetemp={paths.state / 'tests'}"]
    with (
        locked(paths, progress.say),
        building_beside(paths, target.docs, progress.say) as docs,
    ):
        lab = LabStart(
            paths,
            versions,
            progress=progress,
            with_cluster=with_cluster,
            with_argocd=argocd,
            on_base=docs.build,
        ).up_locked()
        needs = _seed(lab, target, progress, argocd=argocd)
        with progress.phase("tests", silent=True):
            _pytest([*options, *extra])
            leaks = _leaks(lab, progress.say)
    return _close(leaks, _versions(lab), progress, needs)


def _seed(lab: Lab, target: Target, progress: Progress, *, argocd: bool) -> Needs:
    """Remove what an interrupted run left in the lab, and create what all tests need.

    Returns what the charts need and no sandbox provides.
    """
    # Before Argo CD is installed: during the installation the API server may not serve
    # Applications.
    left = remove_leaks(lab.cluster, progress.say) if lab.has_cluster else []
    if left:
        progress.say(f"    removed what an interrupted run left: {', '.join(left)}")
    with (
        _installing_argocd(lab, progress, wanted=argocd),
        progress.phase("seed") as phase,
        open_world(lab, target, phase.note) as lab_world,
    ):
        phase.note(f"pushing the images of {len(target.workloads)} workloads of {target.name}")
        seed_images(lab_world)
        # Once for all scenarios: an observation of unchanged files is cached.
        observe_docs(lab_world)
        needs = sandbox_needs(lab_world) if lab.has_cluster else Needs()
        for need in needs.sentences():
            phase.note(need)
    return needs


@contextmanager
def _installing_argocd(lab: Lab, progress: Progress, *, wanted: bool) -> Iterator[None]:
    """Install Argo CD in parallel with the block, and wait for it at the end of the block."""
    with ThreadPoolExecutor(1) as beside:
        installing = beside.submit(install_argocd, lab, progress) if wanted else None
        yield
        if installing:
            installing.result()


def _pytest(options: Sequence[str]) -> None:
    # In a separate process, because pytest rewrites plugin modules that are already loaded here.
    parallel = [
        "-n",
        str(_ROWS_SIDE_BY_SIDE),
        "--dist",
        "loadscope",
        "--no-loadscope-reorder",
        "--tb=short",
    ]
    reports = [f"--junitxml={REPORTS / 'junit.xml'}", f"--result-json={_RESULT}"]
    command = [sys.executable, "-m", "pytest", str(SUITE_ROOT / "acceptance"), *parallel, *reports]
    command += [f"--config-file={SUITE_ROOT / 'pytest.toml'}", *options]
    # In its own session, because a terminal would interrupt both processes, and so pytest twice.
    alone = {"stdin": subprocess.DEVNULL, "start_new_session": True}
    suite = [VariableSet.SUITE]
    with child(command, inherit=suite, end=interrupt_session, popen=alone) as tests:
        tests.wait()


def _leaks(lab: Lab, say: Callable[[str], None]) -> list[str]:
    """Return what is left in cluster, git server and outputs; a failed check counts as a leak."""
    try:
        objects = remove_leaks(lab.cluster, say) if lab.has_cluster else []
        left = [*objects, *drop_branches(lab.engine.client())]
        return [*left, *_secrets_in_outputs(lab), *egress(lab)]
    except (PullRecoveryError, DockerException, ApiException, OSError) as error:
        return [f"not looked for: {type(error).__name__}: {error}"]


def _secrets_in_outputs(lab: Lab) -> list[str]:
    """Search for secrets in the reports, the engine's log and the containers' output."""
    files = [*REPORTS.iterdir(), *lab.paths.state.glob("*.log")]
    client = lab.engine.client()
    outputs = {
        "the GHCR emulator's output": emulator_output(client),
        "the runner's output": runner_output(client),
    }
    return find_secrets(files, outputs)


def egress(lab: Lab) -> list[str]:
    """Return the connections that the node and the runner tried to open to outside of the lab."""
    client = lab.engine.client()
    guarded = (NODE, RUNNER) if lab.has_cluster else (RUNNER,)
    tried = {name: attempts(client, name) for name in guarded}
    return [
        f"{count} connections of {name} {Guard.EGRESS}, all refused"
        for name, count in tried.items()
        if count
    ]


def _close(leaks: list[str], versions: dict[str, str], progress: Progress, needs: Needs) -> int:
    """Add what is known only after the last test to result.json, and print the summary."""
    if not _RESULT.exists():
        progress.say("error: the tests wrote no result.json, so the outcome is unknown")
        return int(Exit.UNKNOWN)
    result = read_result(_RESULT)
    result.run = replace(
        result.run,
        phases=progress.seconds,
        versions=result.run.versions | versions,
        skipped_objects=needs.skipped_objects,
        rejected_pods=needs.rejected_pods,
    )
    result.note_leaks(leaks)
    write_result(_RESULT, result)
    _summarise(result, progress)
    return result.run.exit


def _versions(lab: Lab) -> dict[str, str]:
    """Return the versions that the run used."""
    return {
        "kubernetes": lab.versions.kubernetes,
        "containerd": lab.versions.containerd,
        "node_image": lab.cluster.image,
        "node_image_because": lab.plan.reason,
    }


def _summarise(result: Result, progress: Progress) -> None:
    progress.say("")
    for line in summary(result):
        progress.say(line)
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in progress.seconds.items())
    progress.say(f"  time: {times}")
    progress.say(f"  leaks: {', '.join(result.leaks) or 'none'}")
    progress.say(f"  report: {_RESULT}")
