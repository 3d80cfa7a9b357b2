"""`acceptance`: the target read, the lab raised, every criterion judged, nothing left behind."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

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
from pullrecovery.report.summary import summary

# An option of pytest's, of which the raising of the lab must know, too.
NO_CLUSTER = "--no-cluster"
_NO_ARGOCD = "--no-argocd"
_RESULT = REPORTS / "result.json"
# What two cores carry: with more, each row only takes longer.
_ROWS_SIDE_BY_SIDE = 4


def run_acceptance(
    folder: Path, kubernetes: str, *, smoke: bool, extra: Sequence[str], argocd: bool = True
) -> int:
    """Run the acceptance suite; return the exit code that result.json has, see `errors.Exit`.

    Without `argocd` nothing is deployed by Argo CD, and the result is partial.
    """
    target = load_target(folder.resolve())
    versions = kubernetes_set(kubernetes)
    with_cluster = NO_CLUSTER not in extra
    phases = [phase for phase in PHASES if with_cluster or phase != "cluster"]
    # Of a target without an Application nothing is left out.
    has_application = any(workload.application for workload in target.workloads)
    options = [f"--target={target.root}", f"--kubernetes={versions.kubernetes}"]
    options += ["--smoke"] if smoke else []
    options += [_NO_ARGOCD] if has_application and not argocd else []
    argocd = argocd and with_cluster and has_application
    progress = Progress((*phases, *([ARGOCD] if argocd else []), "seed", "tests"))
    REPORTS.mkdir(exist_ok=True)
    _RESULT.unlink(missing_ok=True)
    paths = default_paths()
    # With the lab's state, as a temporary folder of the machine's would be left behind.
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
    """Remove what an interrupted run left in the lab, and put into it what all tests need.

    Returns what the charts need and no sandbox has.
    """
    # Before Argo CD is installed: while that goes on, the API server may not serve Applications.
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
        # Once for all scenarios: what is observed of the same files is not done again.
        observe_docs(lab_world.world)
        needs = sandbox_needs(lab_world) if lab.has_cluster else Needs()
        for need in needs.told():
            phase.note(need)
    return needs


@contextmanager
def _installing_argocd(lab: Lab, progress: Progress, *, wanted: bool) -> Iterator[None]:
    """Install Argo CD beside the block, which mostly waits, and wait for it at its end."""
    with ThreadPoolExecutor(1) as beside:
        installing = beside.submit(install_argocd, lab, progress) if wanted else None
        yield
        if installing:
            installing.result()


def _pytest(options: Sequence[str]) -> None:
    # A process of its own, as pytest rewrites the modules of plugins that are loaded here already.
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
    # In a session of its own: a terminal would interrupt it as well as us, and so twice.
    alone = {"stdin": subprocess.DEVNULL, "start_new_session": True}
    suite = [VariableSet.SUITE]
    with child(command, inherit=suite, end=interrupt_session, popen=alone) as tests:
        tests.wait()


def _leaks(lab: Lab, say: Callable[[str], None]) -> list[str]:
    """What is left in cluster, git server and outputs; that it was not looked for counts as one."""
    try:
        objects = remove_leaks(lab.cluster, say) if lab.has_cluster else []
        left = [*objects, *drop_branches(lab.engine.client())]
        return [*left, *_secrets_in_outputs(lab), *egress(lab)]
    except (PullRecoveryError, DockerException, ApiException, OSError) as error:
        return [f"not looked for: {type(error).__name__}: {error}"]


def _secrets_in_outputs(lab: Lab) -> list[str]:
    """Look for secrets in the reports, the engine's log and the containers' own output."""
    files = [*REPORTS.iterdir(), *lab.paths.state.glob("*.log")]
    client = lab.engine.client()
    outputs = {
        "the stand-in's output": emulator_output(client),
        "the runner's output": runner_output(client),
    }
    return find_secrets(files, outputs)


def egress(lab: Lab) -> list[str]:
    """What node and runner tried to reach beyond the lab since they were raised."""
    client = lab.engine.client()
    guarded = (NODE, RUNNER) if lab.has_cluster else (RUNNER,)
    tried = {name: attempts(client, name) for name in guarded}
    return [
        f"{count} connections of {name} {Guard.EGRESS}, all refused"
        for name, count in tried.items()
        if count
    ]


def _close(leaks: list[str], versions: dict[str, str], progress: Progress, needs: Needs) -> int:
    """Put what only shows after the last test into result.json, and say how it ended."""
    if not _RESULT.exists():
        progress.say("error: the tests left no result.json: the harness cannot tell")
        return int(Exit.UNKNOWN)
    result = json.loads(_RESULT.read_text())
    result["leaks"] = leaks
    result["run"]["phases"] = progress.seconds
    result["run"]["versions"] |= versions
    result["run"] |= asdict(needs)
    if leaks and result["run"]["exit"] == Exit.PASS:
        result["run"]["exit"] = int(Exit.UNKNOWN)
    _RESULT.write_text(json.dumps(result, indent=2) + "\n")
    _summarise(result, progress)
    return int(result["run"]["exit"])


def _versions(lab: Lab) -> dict[str, str]:
    """What the verdicts were found with."""
    return {
        "kubernetes": lab.versions.kubernetes,
        "containerd": lab.versions.containerd,
        "node_image": lab.cluster.image,
        "node_image_because": lab.plan.reason,
    }


def _summarise(result: dict[str, Any], progress: Progress) -> None:
    progress.say("")
    for line in summary(result):
        progress.say(line)
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in progress.seconds.items())
    progress.say(f"  time: {times}")
    progress.say(f"  leaks: {', '.join(result['leaks']) or 'none'}")
    progress.say(f"  report: {_RESULT}")
