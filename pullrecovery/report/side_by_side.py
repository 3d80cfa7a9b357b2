"""Compare the verdicts on faults that were run by more than one deployer."""

from collections.abc import Iterator, Mapping, Sequence

from pullrecovery.report.figures import figures
from pullrecovery.report.records import (
    ComparedFault,
    DeployerVerdicts,
    ScenarioRecord,
    SideBySide,
)


def side_by_side(scenarios: Sequence[ScenarioRecord]) -> SideBySide:
    """Compare the failed criteria and causes by deployer, for each fault that several ran.

    `figures` are the times by deployer over these faults. Empty if one deployer ran all faults.
    """
    by_fault: dict[str, dict[str, list[ScenarioRecord]]] = {}
    for scenario in scenarios:
        if scenario.detected is not None:
            by_fault.setdefault(scenario.fault, {}).setdefault(scenario.deploy, []).append(scenario)
    both = {fault: by for fault, by in sorted(by_fault.items()) if len(by) > 1}
    deployers = sorted({name for by in both.values() for name in by})
    own = {name: [row for by in both.values() for row in by.get(name, ())] for name in deployers}
    return SideBySide(
        faults={fault: _compared(by) for fault, by in both.items()},
        figures={name: figures(own[name]) for name in deployers},
    )


def _compared(by: Mapping[str, Sequence[ScenarioRecord]]) -> ComparedFault:
    verdicts = {
        name: DeployerVerdicts(
            detected=tuple(sorted({reg for one in scenarios for reg in one.detected or ()})),
            causes=tuple(sorted({str(one.cause.found) for one in scenarios})),
        )
        for name, scenarios in by.items()
    }
    first, *others = verdicts.values()
    return ComparedFault(same=all(other == first for other in others), by=verdicts)


def side_by_side_lines(compared: SideBySide) -> Iterator[str]:
    """Yield the lines of the comparison for the terminal, mismatches first."""
    if not compared.faults:
        return
    for fault, one in compared.faults.items():
        if not one.same:
            verdicts = (f"{name} {', '.join(_words(of))}" for name, of in one.by.items())
            yield f"  mismatch {fault}: {'; '.join(verdicts)}"
    same = sum(one.same for one in compared.faults.values())
    names = ", ".join(compared.figures)
    yield f"  side by side: {len(compared.faults)} faults by {names}; {same} with the same verdicts"
    for name, of in compared.figures.items():
        times = (f"{step} {each.p50:.1f} / {each.p95:.1f} s" for step, each in of.items())
        yield f"    {name}: p50 / p95 {', '.join(times)}"


def _words(verdicts: DeployerVerdicts) -> list[str]:
    return [*verdicts.detected, *verdicts.causes]
