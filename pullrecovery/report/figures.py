"""Median and 95th percentile of the times to detect, diagnose and recover in a run."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

_NAMES = ("detect", "diagnose", "recover")
EXTERNAL = "external."


def figures(scenarios: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | int]]:
    """Return `p50` and `p95` in seconds, and the number of scenarios, of each timed step.

    Only scenarios with a terminal cause count, because an external cause passes on its own.
    """
    timed = [scenario["seconds"] for scenario in scenarios if not is_external(scenario)]
    found = {name: [row[name] for row in timed if name in row] for name in _NAMES}
    return {name: _percentiles(values) for name, values in found.items() if values}


def is_external(scenario: Mapping[str, Any]) -> bool:
    """Return whether the fault has an external cause, which no task fixes."""
    return str(scenario.get("cause", {}).get("expected", "")).startswith(EXTERNAL)


def _percentiles(values: list[float]) -> dict[str, float | int]:
    cuts = statistics.quantiles(values, n=20, method="inclusive") if values[1:] else values * 19
    return {"p50": round(cuts[9], 2), "p95": round(cuts[18], 2), "rows": len(values)}
