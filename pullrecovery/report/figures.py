"""How long it took to see, to name and to mend: medians and 95th percentiles over a run."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

_NAMES = ("detect", "diagnose", "recover")
EXTERNAL = "external."


def figures(scenarios: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | int]]:
    """`p50` and `p95` in seconds, and over how many rows, of each that was timed.

    Terminal causes alone: what is external passes by itself, when it does.
    """
    timed = [scenario["seconds"] for scenario in scenarios if not is_external(scenario)]
    found = {name: [row[name] for row in timed if name in row] for name in _NAMES}
    return {name: _percentiles(values) for name, values in found.items() if values}


def is_external(scenario: Mapping[str, Any]) -> bool:
    """Whether the fault is one that no task mends."""
    return str(scenario.get("cause", {}).get("expected", "")).startswith(EXTERNAL)


def _percentiles(values: list[float]) -> dict[str, float | int]:
    cuts = statistics.quantiles(values, n=20, method="inclusive") if values[1:] else values * 19
    return {"p50": round(cuts[9], 2), "p95": round(cuts[18], 2), "rows": len(values)}
