"""The summary of a lab run for the terminal, made from result.json."""

from collections import Counter
from collections.abc import Iterator, Mapping

from pullrecovery.report.detection_matrix import all_mismatches
from pullrecovery.report.records import CriterionRecord, Figures, MatrixRow, Result
from pullrecovery.report.side_by_side import side_by_side_lines

_SHOWN = 20


def summary(result: Result) -> list[str]:
    """Return the summary's lines: mismatches first, then criteria, controls and figures."""
    return [
        *_detection(result.detection_matrix),
        *_criteria(result),
        *_figures(result.figures),
        *side_by_side_lines(result.side_by_side),
    ]


def _detection(matrix: Mapping[str, MatrixRow]) -> Iterator[str]:
    """Yield the counts of the detection matrix, and every mismatch by name."""
    if not matrix:
        return
    mismatches = all_mismatches(matrix)
    for one in mismatches[:_SHOWN]:
        yield f"  {one.kind:<18} {one.scenario}: {one.detail}"
    if mismatches[_SHOWN:]:
        yield f"  and {len(mismatches) - _SHOWN} more in detection_matrix of the report"
    counts = Counter(one.kind for one in mismatches)
    scenarios = sum(len(row.detected) for row in matrix.values())
    yield (
        f"  detection matrix: {len(matrix)} faults in {scenarios} scenarios;"
        f" {counts['undetected']} undetected, {counts['misdiagnosed']} misdiagnosed,"
        f" {counts['unexpected failure']} unexpected failures, {len(mismatches)} mismatches in all"
    )


def _criteria(result: Result) -> Iterator[str]:
    yield from (_criterion(one) for one in result.criteria if one.scenarios)
    yield from (f"  unknown  {reason}" for reason in (*result.run.unknowns, *result.missing))
    if not any((result.scenarios, result.stories, result.controls, result.run.unknowns)):
        yield "  no criterion was judged: no test of the selection has a scenario"
    if result.controls:
        failed = [control.id for control in result.controls if not control.as_expected]
        outcome = f"not as expected: {', '.join(failed)}" if failed else "all as expected"
        yield f"  controls: {len(result.controls)}, {outcome}"


def _criterion(one: CriterionRecord) -> str:
    optional = "" if one.required else ", optional"
    counts = f"{one.faults} faults, {one.scenarios} scenarios{optional}"
    return f"  {one.id}  {one.outcome:<14} {counts}"


def _figures(figures: Figures) -> Iterator[str]:
    if figures:
        times = (
            f"{step} {of.p50:.1f} / {of.p95:.1f} s ({of.scenarios} scenarios)"
            for step, of in figures.items()
        )
        yield f"  p50 / p95: {', '.join(times)}"
