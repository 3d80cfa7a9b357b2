"""The summary of a lab run for the terminal, made from result.json."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pullrecovery.report.detection_matrix import (
    MISDIAGNOSED,
    UNDETECTED,
    UNEXPECTED_FAILURE,
    all_mismatches,
)
from pullrecovery.report.side_by_side import told_side_by_side

_SHOWN = 20


def summary(result: dict[str, Any]) -> list[str]:
    """Return the summary's lines: mismatches first, then criteria, controls and figures."""
    told = [*_detection(result["kill_matrix"]), *_criteria(result), *_figures(result["figures"])]
    return [*told, *told_side_by_side(result.get("deployers", {}))]


def _detection(matrix: dict[str, Any]) -> Iterator[str]:
    """Yield the counts of the detection matrix, and every mismatch by name."""
    if not matrix:
        return
    found = all_mismatches(matrix)
    for kind, _, scenario, what in found[:_SHOWN]:
        yield f"  {kind.upper():<12} {scenario}: {what}"
    if found[_SHOWN:]:
        yield f"  and {len(found) - _SHOWN} more in kill_matrix of the report"
    counts = Counter(kind for kind, *_ in found)
    scenarios = sum(len(row["killed"]) for row in matrix.values())
    yield (
        f"  kill matrix: {len(matrix)} faults in {scenarios} scenarios;"
        f" {counts[UNDETECTED]} survivors, {counts[MISDIAGNOSED]} wrong causes,"
        f" {counts[UNEXPECTED_FAILURE]} collateral, {len(found)} differences in all"
    )


def _criteria(result: dict[str, Any]) -> Iterator[str]:
    for criterion in result["criteria"]:
        if criterion["scenarios"]:
            verdict = "holds" if criterion["holds"] else "DOES NOT HOLD"
            optional = "" if criterion["required"] else ", optional"
            rows = f"{criterion['faults']} faults, {criterion['scenarios']} scenarios{optional}"
            yield f"  {criterion['id']}  {verdict:<14} {rows}"
    for missing in (*result["run"]["doubts"], *result["missing"]):
        yield f"  CANNOT TELL  {missing}"
    told = (result["scenarios"], result["stories"], result["controls"], result["run"]["doubts"])
    if not any(told):
        yield "  no criterion was judged: no test of the selection has a scenario"
    if result["controls"]:
        failed = [each["id"] for each in result["controls"] if not each["as_expected"]]
        said = f"not as expected: {', '.join(failed)}" if failed else "all as expected"
        yield f"  controls: {len(result['controls'])}, {said}"


def _figures(figures: dict[str, dict[str, float]]) -> Iterator[str]:
    if figures:
        each = (
            f"{name} {of['p50']:.1f} / {of['p95']:.1f} s ({of['rows']} rows)"
            for name, of in figures.items()
        )
        yield f"  p50 / p95: {', '.join(each)}"
