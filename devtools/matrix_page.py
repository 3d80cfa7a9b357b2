"""Write docs/detection-matrix.md from the result of a run."""

from collections.abc import Iterable, Iterator, Mapping

from devtools.generated_page import mark, run_sentence
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.faults.rows import Fault
from pullrecovery.report.detection_matrix import all_mismatches
from pullrecovery.report.records import MatrixRow, Result

PAGE = SUITE_ROOT / "docs" / "detection-matrix.md"
_ALL, _SOME = "✗", "?"
_HEAD = (
    "# Detection matrix",
    "",
    "For each fault: the criteria that it failed (✗ in all of its scenarios, ? in some), and the",
    "cause that was found. A criterion that no fault fails proves nothing; a fault that no",
    "criterion fails is undetected.",
    "",
)


def outdated(page: str, faults: Iterable[Fault]) -> list[str]:
    """Return how the page differs from the current faults and the criteria that each must fail.

    Empty if the page is up to date.
    """
    table = [line for line in page.splitlines() if line.startswith(("| fault |", "| `"))]
    heads = _cells(table[0]) if table else []
    shown = {}
    for line in table[1:]:
        row = dict(zip(heads, _cells(line), strict=True))
        failed = {f"REG-{head}" for head, cell in row.items() if cell == _ALL}
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


def page_of(result: Result) -> str:
    """Return the page as text."""
    matrix, criteria = result.detection_matrix, [criterion.id for criterion in result.criteria]
    heads = " | ".join(reg.removeprefix("REG-") for reg in criteria)
    lines = [
        *_HEAD,
        run_sentence(result),
        "",
        "## Mismatches",
        "",
        *_mismatches(matrix),
        "",
        "## Faults",
        "",
        f"| fault | task | {heads} | cause | scenarios |",
        f"|---|---|{'---|' * len(criteria)}---|---|",
        *(_row(fault, matrix[fault], criteria) for fault in _ordered(matrix)),
        "",
        *_of_criteria(result),
    ]
    return mark(lines)


def _ordered(matrix: Mapping[str, MatrixRow]) -> list[str]:
    """Return the faults ordered by task, then by name; those with mismatches come first."""
    return sorted(matrix, key=lambda f: (not matrix[f].mismatches, _task(matrix[f]), f))


def _mismatches(matrix: Mapping[str, MatrixRow]) -> list[str]:
    """Return the list of mismatches, undetected faults first."""
    return [f"- {one.kind}: `{one.scenario}`: {one.detail}" for one in all_mismatches(matrix)] or [
        "None: no fault is undetected or misdiagnosed, and no criterion failed unexpectedly."
    ]


def _row(fault: str, row: MatrixRow, criteria: list[str]) -> str:
    detected = list(row.detected.values())
    marks = (_mark(sum(reg in one for one in detected), len(detected)) for reg in criteria)
    causes = ", ".join(f"`{cause}`" for cause in row.found) or "none"
    return f"| `{fault}` | {_task(row)} | {' | '.join(marks)} | {causes} | {len(detected)} |"


def _task(row: MatrixRow) -> str:
    """Return the task that fixes the fault; no task fixes an external one."""
    return row.criterion or "external"


def _mark(times: int, of: int) -> str:
    if not times:
        return ""
    return _ALL if times == of else _SOME


def _of_criteria(result: Result) -> Iterator[str]:
    """Yield the table of how many faults each criterion has, its own and others'."""
    yield from ("## Criteria", "", "| | faults of its own | failed by | outcome |")
    yield "|---|---|---|---|"
    for criterion in result.criteria:
        by = sum(
            any(criterion.id in detected for detected in row.detected.values())
            for row in result.detection_matrix.values()
        )
        yield f"| {criterion.id} | {criterion.faults} | {by} | {criterion.outcome} |"
