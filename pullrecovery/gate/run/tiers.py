"""Run the gate's tiers in order, each within its deadline.

A tier that does not pass ends the run.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import httpx
from docker.errors import DockerException
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from pullrecovery.common.deadline import deadline
from pullrecovery.common.errors import PullRecoveryError, UsageError
from pullrecovery.common.redaction import redact
from pullrecovery.gate.verdict.document import Checks, Failure, Tier, failures
from pullrecovery.model.verdict import Verdict

# Seconds for what a tier needs first. The first start of a lab takes half of it.
READY_WITHIN = 2700.0
# The errors that make a tier inconclusive; any other is a bug and ends the gate.
BROKE_DOWN = (PullRecoveryError, DockerException, ApiException, HTTPError, httpx.HTTPError, OSError)


@dataclass(frozen=True)
class Step:
    """One tier: its checks, and the function that judges them and returns verdicts by check name.

    It may also judge checks of a later tier, if it sees that they fail. `within` is in seconds.
    `prepare` starts what the tier needs, and its time does not count.
    """

    name: str
    checks: tuple[str, ...]
    judge: Callable[[], Mapping[str, Verdict]]
    within: float
    prepare: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Judgement:
    """The result of all tiers; `doubts` say why a tier was inconclusive."""

    checks: Checks
    tiers: tuple[Tier, ...]
    doubts: tuple[str, ...]


def run_tiers(
    steps: Sequence[Step],
    *,
    optional: Iterable[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> Judgement:
    """Run the tiers in order until one does not pass; `optional` checks stop nothing."""
    shown = tuple(optional)
    found: dict[str, Verdict] = {}
    tiers: list[Tier] = []
    doubts: list[str] = []
    for step in steps:
        if any(tier.ended != "passed" for tier in tiers):
            tiers.append(Tier(step.name, "not-run", 0.0))
            continue
        tier, verdicts, doubt = _run(step, shown)
        tiers.append(tier)
        found |= verdicts
        doubts += doubt
        say(f"  {tier.name:<9} {tier.ended:<10} {tier.seconds:5.1f} s")
    return Judgement(_checks(steps, shown, found), tuple(tiers), tuple(doubts))


def _run(
    step: Step, optional: tuple[str, ...]
) -> tuple[Tier, Mapping[str, Verdict], tuple[str, ...]]:
    """Run one tier; return how it ended, its verdicts, and why it was inconclusive."""
    verdicts: Mapping[str, Verdict] = {}
    ended = "passed"
    doubt: tuple[str, ...] = ()
    started, limit = time.monotonic(), READY_WITHIN
    try:
        with deadline(limit):
            step.prepare()
        started, limit = time.monotonic(), step.within
        with deadline(limit):
            verdicts = step.judge()
    except UsageError:
        raise
    except BROKE_DOWN as error:
        late = time.monotonic() - started >= limit
        ended = "timed-out" if late else "broke-down"
        doubt = (f"{step.name}: {redact(str(error))}",)
    if any(not each.passes for name, each in verdicts.items() if name not in optional):
        ended = "held"
    return Tier(step.name, ended, round(time.monotonic() - started, 1)), verdicts, doubt


def _checks(
    steps: Sequence[Step], optional: tuple[str, ...], found: Mapping[str, Verdict]
) -> Checks:
    declared = tuple(name for step in steps for name in step.checks)
    failed: list[Failure] = []
    for name, verdict in found.items():
        failed += failures(name, verdict)
    return Checks(
        declared=declared,
        optional=tuple(name for name in declared if name in optional),
        run=tuple(found),
        failed=tuple(failed),
    )
