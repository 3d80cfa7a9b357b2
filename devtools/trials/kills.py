"""Kill a series of runs at random moments; after each kill, a complete run must succeed."""

import random
import time
from dataclasses import dataclass

from devtools.trials.leftovers import lab_objects, left_running
from devtools.trials.losses import LOSSES, Site
from devtools.trials.runs import FOLDER, Kill, TrialError, TrialRun, killed_run, whole_run
from pullrecovery.lab.cluster.kind_cluster import NODE
from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.registry.container import CONTAINER
from pullrecovery.lab.runner.container import CONTAINER as RUNNER
from pullrecovery.lab.tools.content_cache import half_made

_SMOKE = ["acceptance", "--smoke"]
# Kills may come a little after the expected end, because a run may take longer than before.
_SPREAD = 1.1


@dataclass(frozen=True)
class Trial:
    """One kill: what was lost before it, which signal was sent when, and how the next run ended."""

    number: int
    lost: str
    kill: str
    after: float
    at: str
    ended: int
    recovered: float
    left: tuple[str, ...]

    def __str__(self) -> str:
        left = ", ".join(self.left) or "nothing left"
        return (
            f"{self.number:3} lost {self.lost}; {self.kill} after {self.after:.1f} s"
            f" ({self.at}); green again in {self.recovered:.1f} s, {left}"
        )


def series(site: Site, seed: int, kills: int) -> list[Trial]:
    """Run `kills` trials with `seed`; raises TrialError at the first that fails.

    Every loss occurs equally often, in random order.
    """
    chance = random.Random(seed)  # noqa: S311  # repeatable on purpose, not for secrets
    losses = [LOSSES[number % len(LOSSES)] for number in range(kills)]
    chance.shuffle(losses)
    trials = []
    for number, loss in enumerate(losses, 1):
        kill = Kill.any(chance)
        after = chance.uniform(0.2, loss.seconds * _SPREAD)
        print(
            f"{number:3} of {kills}: lose {loss.name}, then {kill} after {after:.1f} s", flush=True
        )
        loss.lose(site)
        trials.append(_trial(site, number, loss.name, kill, after))
        print(f"    {trials[-1]}", flush=True)
    return trials


def _trial(site: Site, number: int, lost: str, kill: Kill, after: float) -> Trial:
    seen: list[str] = []
    killed = killed_run(_SMOKE, FOLDER / f"{number:02}-killed.log", after, kill, seen.append)
    started = time.monotonic()
    run = whole_run(_SMOKE, FOLDER / f"{number:02}-again.log")
    recovered = time.monotonic() - started
    left = _left(site, run)
    if run.code != 0 or left:
        raise TrialError(
            f"Trial {number} (lost {lost}, {kill} after {after:.1f} s, at: {seen[0]}): the next run"
            f" ended with {run.code}, and left {', '.join(left) or 'nothing'}; see {run.log}."
        )
    return Trial(number, lost, str(kill), after, seen[0], killed.code, recovered, tuple(left))


def _left(site: Site, run: TrialRun) -> list[str]:
    """Return what must not exist after a run that succeeded."""
    engine: Engine | None = site.engine()
    expected = sorted([NODE, CONTAINER, RUNNER])
    objects = lab_objects(engine.client()) if engine else ["no engine"]
    strange = [] if objects == expected else [f"containers {objects}"]
    leaks = list(run.result.leaks) if run.code == 0 else []
    return [*left_running(site.paths), *map(str, half_made(site.paths.cache)), *strange, *leaks]
