"""Compare the verdicts on faults that were run by more than one deployer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pullrecovery.report.figures import figures


def side_by_side(scenarios: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return, for each such fault, the failed criteria and causes `by` deployer, and if they match.

    `figures` are the times by deployer over these faults. Empty if one deployer ran all faults.
    """
    judged = [scenario for scenario in scenarios if "killed" in scenario and "cause" in scenario]
    by_fault: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for each in judged:
        by_fault.setdefault(each["fault"], {}).setdefault(each["deploy"], []).append(each)
    both = {fault: by for fault, by in sorted(by_fault.items()) if len(by) > 1}
    if not both:
        return {}
    names = sorted({name for by in both.values() for name in by})
    rows = {name: [row for by in both.values() for row in by.get(name, ())] for name in names}
    return {
        "faults": {fault: _compared(by) for fault, by in both.items()},
        "figures": {name: figures(rows[name]) for name in names},
    }


def _compared(by: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    told = {
        name: {
            "failed": sorted({reg for row in rows for reg in row["killed"]}),
            "causes": sorted({str(row["cause"]["found"]) for row in rows}),
        }
        for name, rows in by.items()
    }
    first, *others = told.values()
    return {"same": all(other == first for other in others), "by": told}


def told_side_by_side(compared: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the comparison for the terminal, mismatches first."""
    if not compared:
        return
    faults = compared["faults"]
    for fault, found in faults.items():
        if not found["same"]:
            said = (f"{name} {', '.join(_words(of))}" for name, of in found["by"].items())
            yield f"  NOT THE SAME {fault}: {'; '.join(said)}"
    same = sum(found["same"] for found in faults.values())
    names = ", ".join(compared["figures"])
    yield f"  side by side: {len(faults)} faults by {names}; {same} with the same verdicts"
    for name, of in compared["figures"].items():
        times = (f"{what} {each['p50']:.1f} / {each['p95']:.1f} s" for what, each in of.items())
        yield f"    {name}: p50 / p95 {', '.join(times)}"


def _words(of: Mapping[str, Any]) -> list[str]:
    return [*of["failed"], *of["causes"]]
