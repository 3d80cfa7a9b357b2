"""The kill matrix: which criteria each fault failed, beside those that it had to fail."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Scenario = Mapping[str, Any]

SURVIVED = "survived"
WRONG_CAUSE = "wrong cause"
COLLATERAL = "collateral"
NOT_MENDED = "not mended"
NOT_JUDGED = "not judged"
# In the order in which they are told: what no check sees first.
KINDS = (SURVIVED, WRONG_CAUSE, COLLATERAL, NOT_MENDED, NOT_JUDGED)


def kill_matrix(scenarios: Sequence[Scenario]) -> dict[str, dict[str, Any]]:
    """Fault → its task, what it had to fail and by which cause, what was found, the differences."""
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
            for kind, what in differences(scenario)
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


def differences(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """How a scenario was other than its fault declares: kind, and which criterion or cause."""
    if "killed" not in scenario:
        yield NOT_JUDGED, "it stopped before the criteria were judged"
        return
    wanted, killed = set(scenario["must_fail"]), set(scenario["killed"])
    yield from ((SURVIVED, reg) for reg in sorted(wanted - killed))
    yield from ((COLLATERAL, reg) for reg in sorted(killed - wanted))
    cause = scenario.get("cause", {})
    if cause.get("expected") != cause.get("found"):
        yield WRONG_CAUSE, f"{cause['found']} for {cause['expected']}"
    yield from ((NOT_MENDED, reg) for reg in scenario.get("mended", ()))


def all_differences(matrix: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
    """Kind, fault, scenario and what, of the whole matrix; survivors first."""
    found = [
        (each["kind"], fault, each["scenario"], each["what"])
        for fault, row in matrix.items()
        for each in row["differences"]
    ]
    return sorted(found, key=lambda each: (KINDS.index(each[0]), *each[1:]))
