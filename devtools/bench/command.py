"""The `bench` command writes the figures of the emulator and of the recovery to one report."""

import json
from pathlib import Path
from typing import Final

from devtools.bench.emulator import busy, measure_emulator
from devtools.bench.figures import Figure, ending, table
from devtools.bench.recovery import measure_recovery
from pullrecovery.common.suite_files import REPORTS
from pullrecovery.lab.gitops.argocd import PHASE as ARGOCD
from pullrecovery.lab.progress import Progress
from pullrecovery.lab.up import PHASES

REPORT: Final = REPORTS / "bench.json"
PARTS: Final = ("emulator", "recovery")


def run_bench(
    parts: tuple[str, ...],
    megabytes: int,
    rounds: int,
    target: Path,
    kubernetes: str,
    *,
    argocd: bool = False,
) -> int:
    """Measure the named parts, print a table for each, write bench.json; return the exit code.

    `megabytes` and `rounds` are for the emulator: the size of its layer, and how often it is
    transferred. `argocd` is for the recovery: whether to wait for Argo CD's Degraded.
    """
    figures: list[Figure] = []
    if "emulator" in parts:
        figures += measure_emulator(megabytes, rounds)
    if "recovery" in parts:
        figures += _recovery(target.resolve(), kubernetes, argocd=argocd)
    document = {
        "parts": list(parts),
        "layer_megabytes": megabytes,
        "rounds": rounds,
        "machine": busy(),
        "figures": [figure.document() for figure in figures],
    }
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(document, indent=2) + "\n")
    print(f"  report: {REPORT}")
    return int(ending(figures))


def _recovery(target: Path, kubernetes: str, *, argocd: bool) -> list[Figure]:
    first, last = ([ARGOCD], ["degraded"]) if argocd else ([], [])
    phases = (*PHASES, *first, "one at a time", "side by side", "without", *last)
    progress = Progress(phases)
    figures = measure_recovery(target, kubernetes, progress, argocd=argocd)
    progress.say(f"\n  a pull secret missing, on {target.name}; {busy()}")
    for line in table(figures):
        progress.say(line)
    return figures
