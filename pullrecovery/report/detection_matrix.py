"""The detection matrix: which criteria each fault failed, and which it had to fail."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

from pullrecovery.report.records import MatrixRow, MismatchKind, MismatchRecord, ScenarioRecord

# In the order in which they are printed: undetected faults first.
KINDS: tuple[MismatchKind, ...] = get_args(MismatchKind)


def detection_matrix(scenarios: Sequence[ScenarioRecord]) -> dict[str, MatrixRow]:
    """Map each fault to its task, expected criteria and cause, found ones, and mismatches."""
    by_fault: dict[str, list[ScenarioRecord]] = {}
    for scenario in scenarios:
        by_fault.setdefault(scenario.fault, []).append(scenario)
    return {fault: _row(own) for fault, own in by_fault.items()}


def _row(scenarios: Sequence[ScenarioRecord]) -> MatrixRow:
    causes = {scenario.cause.found for scenario in scenarios}
    return MatrixRow(
        criterion=scenarios[0].criterion,
        expected_failures=_union(scenario.expected_failures for scenario in scenarios),
        expected=scenarios[0].cause.expected,
        found=tuple(sorted(cause for cause in causes if cause)),
        detected={one.id: one.detected for one in scenarios if one.detected is not None},
        mismatches=tuple(
            mismatch for scenario in scenarios for mismatch in mismatches_of(scenario)
        ),
    )


def _union(criteria: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({criterion for each in criteria for criterion in each}))


def mismatches_of(scenario: ScenarioRecord) -> Iterator[MismatchRecord]:
    """Yield how a scenario differs from what its fault declares."""
    for kind, detail in _differences(scenario):
        yield MismatchRecord(kind, scenario.fault, scenario.id, detail)


def _differences(scenario: ScenarioRecord) -> Iterator[tuple[MismatchKind, str]]:
    if scenario.detected is None:
        yield "not checked", "it stopped before the criteria were judged"
        return
    wanted, detected = set(scenario.expected_failures), set(scenario.detected)
    for criterion in sorted(wanted - detected):
        yield "undetected", criterion
    for criterion in sorted(detected - wanted):
        yield "unexpected failure", criterion
    if scenario.cause.expected != scenario.cause.found:
        yield "misdiagnosed", f"{scenario.cause.found} for {scenario.cause.expected}"
    for criterion in scenario.after or ():
        yield "not remediated", criterion


def all_mismatches(matrix: Mapping[str, MatrixRow]) -> list[MismatchRecord]:
    """Return every mismatch of the matrix; undetected faults come first."""
    return sorted(
        (mismatch for row in matrix.values() for mismatch in row.mismatches),
        key=lambda one: (KINDS.index(one.kind), one.fault, one.scenario, one.detail),
    )
