"""The detection matrix: which criteria each fault failed, and which it had to fail."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Scenario = Mapping[str, Any]

UNDETECTED = "survived"
MISDIAGNOSED = "wrong cause"
UNEXPECTED_FAILURE = "collateral"
NOT_REMEDIATED = "not mended"
NOT_JUDGED = "not judged"
# In the order in which they are printed: undetected faults first.
KINDS = (UNDETECTED, MISDIAGNOSED, UNEXPECTED_FAILURE, NOT_REMEDIATED, NOT_JUDGED)


def detection_matrix(scenarios: Sequence[Scenario]) -> dict[str, dict[str, Any]]:
    """Map each fault to its task, expected criteria and cause, found ones, and mismatches."""
    matrix: dict[str, dict[str, Any]] = {}
    for scenario in scenarios:
        row = matrix.setdefault(scenario["fault"], _blank(scenario))
        row["must_fail"] = sorted({*row["must_fail"], *scenario["must_fail"]})
        cause = scenario.get("cause", {})
        row["expected"] = row["expected"] or cause.get("expected")
        row["found"] = sorted({*row["found"], *filter(None, [cause.get("found")])})
        if "killed" in scenario:
            row["killed"][scenario["id"]] = scenario["killed"]
        row["differences"] += [
            {"scenario": scenario["id"], "kind": kind, "what": what}
            for kind, what in mismatches(scenario)
        ]
    return matrix


def _blank(scenario: Scenario) -> dict[str, Any]:
    return {
        "reg": scenario["reg"],
        "must_fail": [],
        "expected": None,
        "found": [],
        "killed": {},
        "differences": [],
    }


def mismatches(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Yield how a scenario differs from what its fault declares: kind, and criterion or cause."""
    if "killed" not in scenario:
        yield NOT_JUDGED, "it stopped before the criteria were judged"
        return
    wanted, detected = set(scenario["must_fail"]), set(scenario["killed"])
    yield from ((UNDETECTED, reg) for reg in sorted(wanted - detected))
    yield from ((UNEXPECTED_FAILURE, reg) for reg in sorted(detected - wanted))
    cause = scenario.get("cause", {})
    if cause.get("expected") != cause.get("found"):
        yield MISDIAGNOSED, f"{cause['found']} for {cause['expected']}"
    yield from ((NOT_REMEDIATED, reg) for reg in scenario.get("mended", ()))


def all_mismatches(matrix: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
    """Return kind, fault, scenario and detail of every mismatch; undetected faults come first."""
    found = [
        (each["kind"], fault, each["scenario"], each["what"])
        for fault, row in matrix.items()
        for each in row["differences"]
    ]
    return sorted(found, key=lambda each: (KINDS.index(each[0]), *each[1:]))
