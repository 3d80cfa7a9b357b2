"""Run `lab up`, `down`, `status`, `doctor` and `clean`, which the make targets call."""

import shutil

from pullrecovery.common.errors import Exit
from pullrecovery.lab.doctor import examine
from pullrecovery.lab.down import lab_status, remove_lab
from pullrecovery.lab.gitops.argocd import PHASE as ARGOCD
from pullrecovery.lab.gitops.argocd import install_argocd
from pullrecovery.lab.lock import locked
from pullrecovery.lab.paths import default_paths
from pullrecovery.lab.progress import Progress
from pullrecovery.lab.tools.versions import kubernetes_set
from pullrecovery.lab.up import PHASES, LabStart


def run(action: str, kubernetes: str, *, argocd: bool = False) -> int:
    """Run `action` and return the exit code; with `argocd`, `up` also installs Argo CD."""
    return int(_up(kubernetes, argocd=argocd) if action == "up" else _ACTIONS[action](kubernetes))


def _up(kubernetes: str, *, argocd: bool) -> Exit:
    progress = Progress((*PHASES, *([ARGOCD] if argocd else [])))
    # Before the lock: an unsupported version is an error at once, even if another run uses the lab.
    paths, versions = default_paths(), kubernetes_set(kubernetes)
    with locked(paths, progress.say):
        start = LabStart(paths, versions, progress=progress, with_argocd=argocd)
        lab = start.up_locked()
        if argocd:
            install_argocd(lab, progress)
    print(f"the lab is up: export KUBECONFIG={lab.paths.kubeconfig} DOCKER_HOST={lab.engine.host}")
    return Exit.PASS


def _down(_: str) -> Exit:
    removed = remove_lab(default_paths(), print)
    for thing in removed:
        print(f"removed {thing}")
    if not removed:
        print("there was nothing of the lab to remove")
    return Exit.PASS


def _status(_: str) -> Exit:
    for name, value in lab_status(default_paths()).items():
        print(f"{name:<11} {value}")
    return Exit.PASS


def _doctor(_: str) -> Exit:
    findings = examine(default_paths())
    for finding in findings:
        print(finding)
    return Exit.PASS if all(finding.ok for finding in findings) else Exit.UNKNOWN


def _clean_cache(kubernetes: str) -> Exit:
    _down(kubernetes)
    cache = default_paths().cache
    if cache.exists():
        shutil.rmtree(cache)
        print(f"removed {cache}")
    return Exit.PASS


_ACTIONS = {
    "down": _down,
    "status": _status,
    "doctor": _doctor,
    "clean": _down,
    "clean-cache": _clean_cache,
}
