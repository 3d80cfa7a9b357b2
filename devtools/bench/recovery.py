"""Measure how soon a cause is named and a pull recovered, with and without the suite."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from typing import Final, TypeVar

from devtools.bench.degraded import PROGRESS_DEADLINE, await_degraded
from devtools.bench.figures import Figure
from devtools.bench.rounds import PATIENCE, Baseline, Round, play_baselines, play_rounds
from pullrecovery.lab.gitops.argocd import install_argocd
from pullrecovery.lab.lock import locked
from pullrecovery.lab.paths import default_paths
from pullrecovery.lab.progress import Progress
from pullrecovery.lab.tools.versions import kubernetes_set
from pullrecovery.lab.up import LabStart

ROUNDS: Final = 12
SIDE_BY_SIDE: Final = 4
BASELINES: Final = 2
# Maximum seconds until the cause is named and until recovery, in series and in parallel.
AIMS: Final = {1: (1.5, 2.0), SIDE_BY_SIDE: (3.5, 4.0)}
# Seconds that the kubelet waits after each failed pull of a pod's image; the last one repeats.
BACK_OFF: Final = (10, 20, 40, 80, 160, 300)
# Helm's default timeout in seconds.
_HELM = 300

_SPAWN = get_context("spawn")
_T = TypeVar("_T")


def measure_recovery(
    root: Path, kubernetes: str, progress: Progress, rounds: int = ROUNDS, *, argocd: bool = False
) -> list[Figure]:
    """Start the lab, and time the same fault with and without the suite; bounds apply to the p95.

    With `argocd`, wait for its Degraded too, which takes ten minutes, in parallel to the rest.
    """
    paths = default_paths()
    with locked(paths, progress.say), ProcessPoolExecutor(1, mp_context=_SPAWN) as waiting:
        lab = LabStart(paths, kubernetes_set(kubernetes), progress=progress).up_locked()
        if argocd:
            install_argocd(lab, progress)
            degraded = waiting.submit(await_degraded, root, kubernetes, 1)
        with progress.phase("one at a time"):
            alone = _played(play_rounds, root, kubernetes, [rounds])
        with progress.phase("side by side"):
            shares = [-(-rounds // SIDE_BY_SIDE)] * SIDE_BY_SIDE
            together = _played(play_rounds, root, kubernetes, shares)
        with progress.phase("without"):
            baselines = _played(play_baselines, root, kubernetes, [BASELINES])
        measured: list[float] = []
        if argocd:
            with progress.phase("degraded"):
                measured = degraded.result()
    return [
        *timed("one at a time", alone, AIMS[1]),
        *timed("four side by side", together, AIMS[SIDE_BY_SIDE]),
        *compared(alone, baselines, measured),
    ]


def _played(
    play: Callable[[Path, str, int], list[_T]], root: Path, kubernetes: str, shares: list[int]
) -> list[_T]:
    """Run each share in a separate process, as the acceptance tests run."""
    with ProcessPoolExecutor(len(shares), mp_context=_SPAWN) as processes:
        played = [processes.submit(play, root, kubernetes, share) for share in shares]
        return [each for share in played for each in share.result()]


def timed(name: str, rounds: Sequence[Round], aims: tuple[float, float]) -> list[Figure]:
    """Return p50 and p95 of both times, the p95 with its aim."""
    found = []
    columns = {
        "cause named": [each.named for each in rounds],
        "recovered": [each.recovered for each in rounds],
    }
    for (what, seconds), aim in zip(columns.items(), aims, strict=True):
        samples = tuple(round(second, 3) for second in seconds)
        last = quantiles(seconds, n=20, method="inclusive")[-1]
        found += [
            Figure(f"{name}: {what}, p50", round(median(seconds), 2), "s", samples=samples),
            Figure(f"{name}: {what}, p95", round(last, 2), "s", aim, samples=samples),
        ]
    return found


def compared(
    rounds: Sequence[Round], baselines: Sequence[Baseline], degraded: Sequence[float] = ()
) -> list[Figure]:
    """Return the times without the suite and their ratios; times not waited for are computed (sum).

    `degraded` are the seconds until Argo CD reported Degraded, if they were measured.
    """
    named = median(each.named for each in rounds)
    recovered = median(each.recovered for each in rounds)
    helm = median(baseline.helm for baseline in baselines)
    kubectl = median(baseline.kubectl for baseline in baselines)
    back_off = median(baseline.back_off for baseline in baselines)
    return [
        Figure(f"helm --wait --timeout {PATIENCE}s: no cause", round(helm, 2), "s"),
        _ratio(f"  helm / cause named, with {PATIENCE} s", helm, named),
        _ratio(f"  helm / cause named, with its own {_HELM} s (sum)", _HELM, named),
        Figure(f"rollout status --timeout={PATIENCE}s: no cause", round(kubectl, 2), "s"),
        _ratio(f"  rollout status / cause named, with {PATIENCE} s", kubectl, named),
        _ratio(
            f"  rollout status / cause named, by deadline {PROGRESS_DEADLINE} s (sum)",
            PROGRESS_DEADLINE,
            named,
        ),
        *_degraded(degraded, named),
        Figure("kubelet's first back-off waited out", round(back_off, 2), "s"),
        _ratio("  back-off / recovered", back_off, recovered),
        _ratio(
            f"  back-off / recovered, at the sixth, {BACK_OFF[-1]} s (sum)", BACK_OFF[-1], recovered
        ),
    ]


def _degraded(measured: Sequence[float], named: float) -> list[Figure]:
    name = f"  Argo CD's Degraded / cause named, by deadline {PROGRESS_DEADLINE} s"
    if not measured:
        return [_ratio(f"{name} (sum)", PROGRESS_DEADLINE, named)]
    seconds = median(measured)
    return [
        Figure("Argo CD's Degraded: no cause", round(seconds, 2), "s"),
        _ratio(name, seconds, named),
    ]


def _ratio(name: str, longer: float, shorter: float) -> Figure:
    return Figure(name, round(longer / shorter, 1), "x")
