"""Median and 95th percentile of the times to detect, diagnose, remediate and recover in a run."""

import statistics
from collections.abc import Sequence
from typing import Final, Literal

from pullrecovery.report.records import Figures, Percentiles, ScenarioRecord, SecondsRecord

STEPS: Final[tuple[Literal["detect", "diagnose", "remediate", "recover"], ...]] = (
    "detect",
    "diagnose",
    "remediate",
    "recover",
)
EXTERNAL = "external."


def figures(scenarios: Sequence[ScenarioRecord]) -> Figures:
    """Return the percentiles in seconds, and the number of scenarios, of each timed step.

    Only scenarios with a terminal cause count, because an external cause passes on its own.
    """
    timed = [scenario.seconds for scenario in scenarios if not is_external(scenario)]
    return {step: _percentiles(taken) for step in STEPS if (taken := _taken(timed, step))}


def _taken(timed: Sequence[SecondsRecord], step: str) -> list[float]:
    seconds = (getattr(one, step) for one in timed)
    return [value for value in seconds if value is not None]


def is_external(scenario: ScenarioRecord) -> bool:
    """Return whether the fault has an external cause, which no task fixes."""
    return scenario.cause.expected.startswith(EXTERNAL)


def _percentiles(values: list[float]) -> Percentiles:
    cuts = statistics.quantiles(values, n=20, method="inclusive") if values[1:] else values * 19
    return Percentiles(p50=round(cuts[9], 2), p95=round(cuts[18], 2), scenarios=len(values))
