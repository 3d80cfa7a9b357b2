"""The `lab-trials` command, which `make lab-trials` calls."""

import secrets
import shutil
import time

from devtools.trials import kills, pull_path
from devtools.trials.leftovers import difference, snapshot
from devtools.trials.losses import Site
from devtools.trials.runs import FOLDER, TEMPORARY, TrialError
from pullrecovery.common.errors import Exit
from pullrecovery.lab.down import remove_lab
from pullrecovery.lab.paths import default_paths
from pullrecovery.lab.tools.versions import kubernetes_set


def run_trials(kubernetes: str, seed: int | None, count: int) -> int:
    """Clean, take a snapshot, kill and recover runs, run on pulled images, clean, and compare.

    Raises TrialError at the first unexpected result. `seed` repeats an earlier series.
    """
    site = Site(default_paths(), kubernetes_set(kubernetes))
    seed = secrets.randbelow(2**31) if seed is None else seed
    shutil.rmtree(FOLDER, ignore_errors=True)
    TEMPORARY.mkdir(parents=True)
    print(f"seed {seed}: `make lab-trials SEED={seed}` plays the same again", flush=True)
    _clean(site)
    before = snapshot(site.paths, TEMPORARY)
    started = time.monotonic()
    trials = kills.series(site, seed, count)
    seen = pull_path.prove(site)
    _clean(site)
    changed = difference(before, snapshot(site.paths, TEMPORARY))
    if changed:
        raise TrialError("After `make clean` this differs from before:\n" + "\n".join(changed))
    for line in [*map(str, trials), *seen]:
        print(line)
    minutes = (time.monotonic() - started) / 60
    print(f"{len(trials)} kills under seed {seed} in {minutes:.0f} min; clean as before.")
    return int(Exit.PASS)


def _clean(site: Site) -> None:
    remove_lab(site.paths, print)
