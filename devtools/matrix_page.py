"""Write docs/detection-matrix.md from the result of a run."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pullrecovery.common.errors import Exit, PullRecoveryError
from pullrecovery.common.suite_files import REPORTS, SUITE_ROOT
from pullrecovery.faults.rows import Fault
from pullrecovery.report.detection_matrix import all_mismatches

PAGE = SUITE_ROOT / "docs" / "detection-matrix.md"
_ALL, _SOME = "✗", "?"
_HEAD = (
    "# Detection matrix",
    "",
    "Written by `make detection-matrix` from the last complete run; do not edit. For each fault:",
    "the criteria that it failed (✗ in all of its scenarios, ? in some), and the cause that was",
    "found. A criterion that no fault fails proves nothing; a fault that no criterion fails is",
    "undetected.",
    "",
)
_RESULT = REPORTS / "result.json"


def write_page(result: Path = _RESULT, page: Path = PAGE) -> int:
    """Write the page again; raises PullRecoveryError without the result of a complete run."""
    if not result.is_file():
        raise PullRecoveryError("There is no result.json; `make acceptance` writes it.")
    document = json.loads(result.read_text())
    if document["run"]["partial"]:
        raise PullRecoveryError(
            "The last run was of a selection; `make acceptance` without ARGS runs all."
        )
    page.write_text(page_of(document))
    return int(Exit.PASS)


def outdated(page: str, faults: Iterable[Fault]) -> list[str]:
    """Return how the page differs from the current faults and the criteria that each must fail.

    Empty if the page is up to date.
    """
    table = [line for line in page.splitlines() if line.startswith(("| fault |", "| `"))]
    heads = _cells(table[0]) if table else []
    shown = {}
    for line in table[1:]:
        row = dict(zip(heads, _cells(line), strict=True))
        failed = {f"REG-{head}" for head, mark in row.items() if mark == _ALL}
        shown[row["fault"].strip("`")] = failed
    wanted = {fault.id: set(fault.must_fail) for fault in faults}
    return [
        f"{fault}: failed {sorted(shown.get(fault, ()))}, now {sorted(wanted.get(fault, ()))}"
        for fault in sorted({*shown, *wanted})
        if shown.get(fault) != wanted.get(fault)
    ]


def not_run_yet(page: str, faults: Iterable[Fault]) -> list[str]:
    """Return the faults that no complete run has run, which have no row on the page."""
    return [fault.id for fault in faults if f"\n| `{fault.id}` |" not in page]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def page_of(result: dict[str, Any]) -> str:
    """Return the page as text."""
    matrix, criteria = result["kill_matrix"], [each["id"] for each in result["criteria"]]
    heads = " | ".join(reg.removeprefix("REG-") for reg in criteria)
    lines = [
        *_HEAD,
        _of_run(result),
        "",
        "## Differences",
        "",
        *_differences(matrix),
        "",
        "## Faults",
        "",
        f"| fault | task | {heads} | cause | scenarios |",
        f"|---|---|{'---|' * len(criteria)}---|---|",
        *(_row(fault, matrix[fault], criteria) for fault in _ordered(matrix)),
        "",
        *_of_criteria(result),
    ]
    return "\n".join(lines) + "\n"


def _of_run(result: dict[str, Any]) -> str:
    """Return which faults were run, where and when."""
    matrix, run = result["kill_matrix"], result["run"]
    scenarios = sum(len(row["killed"]) for row in matrix.values())
    kubernetes, containerd = (run["versions"].get(of, "?") for of in ("kubernetes", "containerd"))
    return (
        f"{len(matrix)} faults in {scenarios} scenarios, on Kubernetes {kubernetes} with"
        f" containerd {containerd}, {run['started'][:10]}."
    )


def _ordered(matrix: dict[str, Any]) -> list[str]:
    """Return the faults ordered by task, then by name; those with mismatches come first."""
    return sorted(matrix, key=lambda f: (not matrix[f]["differences"], _task(matrix[f]), f))


def _differences(matrix: dict[str, Any]) -> list[str]:
    """Return the list of mismatches, undetected faults first."""
    found = all_mismatches(matrix)
    return [f"- {kind}: `{scenario}`: {what}" for kind, _, scenario, what in found] or [
        "None: no survivor, no wrong cause, no criterion failed that was not declared."
    ]


def _row(fault: str, row: dict[str, Any], criteria: list[str]) -> str:
    killed = list(row["killed"].values())
    marks = (_mark(sum(reg in each for each in killed), len(killed)) for reg in criteria)
    causes = ", ".join(f"`{cause}`" for cause in row["found"]) or "none"
    return f"| `{fault}` | {_task(row)} | {' | '.join(marks)} | {causes} | {len(killed)} |"


def _task(row: dict[str, Any]) -> str:
    """Return the task that fixes the fault; no task fixes an external one."""
    return row["reg"] or "external"


def _mark(times: int, of: int) -> str:
    if not times:
        return ""
    return _ALL if times == of else _SOME


def _of_criteria(result: dict[str, Any]) -> list[str]:
    """Return the table of how many faults each criterion has, its own and others'."""
    matrix = result["kill_matrix"]
    lines = ["## Criteria", "", "| | faults of its own | failed by | holds |", "|---|---|---|---|"]
    for each in result["criteria"]:
        by = sum(any(each["id"] in k for k in row["killed"].values()) for row in matrix.values())
        passes = "yes" if each["holds"] else "no"
        lines.append(f"| {each['id']} | {each['faults']} | {by} | {passes} |")
    return lines
