"""Write docs/status.md and docs/detection-matrix.md from the result of a complete run."""

import sys
from collections.abc import Iterator
from pathlib import Path

from devtools import matrix_page
from devtools.generated_page import mark, run_sentence
from pullrecovery.common.errors import Exit, PullRecoveryError
from pullrecovery.common.suite_files import REPORTS, SUITE_ROOT
from pullrecovery.report.detection_matrix import all_mismatches
from pullrecovery.report.records import CriterionRecord, Figures, Result, read_result
from pullrecovery.tasks import CRITERIA

PAGE = SUITE_ROOT / "docs" / "status.md"
_RESULT = REPORTS / "result.json"
_HEAD = (
    "# Status",
    "",
    "The last complete run of the suite on the sample. [The detection matrix](detection-matrix.md)",
    "has each fault, and [limits](limits.md) say what was not run.",
    "",
)


def write_pages(
    result: Path = _RESULT, status: Path = PAGE, matrix: Path = matrix_page.PAGE
) -> int:
    """Write both pages; raises PullRecoveryError without the result of a complete run."""
    if not result.is_file():
        raise PullRecoveryError(f"There is no {result}; `make acceptance` writes it.")
    document = read_result(result)
    if document.run.selection == "partial":
        raise PullRecoveryError(
            "The last run was of a selection; `make acceptance` without ARGS runs all."
        )
    status.write_text(page_of(document), encoding="utf-8")
    matrix.write_text(matrix_page.page_of(document), encoding="utf-8")
    return int(Exit.PASS)


def page_of(result: Result) -> str:
    """Return the status page as text."""
    return mark(
        [
            *_HEAD,
            run_sentence(result),
            "",
            *_facts(result),
            "",
            "## Criteria",
            "",
            "| criterion | task | outcome | faults | scenarios |",
            "|---|---|---|---|---|",
            *map(_criterion, result.criteria),
            "",
            *_figures(result),
        ]
    )


def _facts(result: Result) -> Iterator[str]:
    """Yield the table of counts."""
    matrix = result.detection_matrix.values()
    mismatches = all_mismatches(result.detection_matrix)
    external = [row for row in matrix if row.criterion is None]
    causes = {row.expected for row in external}
    controls = [control for control in result.controls if control.as_expected]
    steps = sum(len(story.steps) for story in result.stories)
    minutes = result.run.seconds / 60
    yield from ("| | |", "|---|---|")
    yield f"| suite | {result.run.suite_version} |"
    yield f"| time of the tests | {minutes:.0f} minutes |"
    yield f"| mismatches between faults and verdicts | {len(mismatches)} |"
    yield f"| external causes, which no task fixes | {len(causes)}, by {len(external)} faults |"
    yield f"| controls as expected | {len(controls)} of {len(result.controls)} |"
    yield f"| false passes that a guard ended | {len(result.false_pass_guards)} |"
    yield f"| stories | {len(result.stories)}, of {steps} steps |"
    yield f"| leaks | {len(result.leaks)} |"


def _criterion(one: CriterionRecord) -> str:
    outcome = one.outcome if one.required else f"{one.outcome}, optional"
    return f"| {one.id} | {_task(one.id)} | {outcome} | {one.faults} | {one.scenarios} |"


def _task(criterion: str) -> str:
    """Return what the task does, by the first line of its module."""
    module = sys.modules[CRITERIA[criterion].judge.__module__]
    title = (module.__doc__ or "").partition("\n")[0]
    return title.removeprefix(f"{criterion}: ").rstrip(".")


def _figures(result: Result) -> Iterator[str]:
    """Yield the table of times: of all scenarios, and side by side of the deployers."""
    yield from ("## Times", "")
    yield from ("Seconds, of the scenarios whose cause is not external.", "")
    yield from ("| scenarios of | step | p50 | p95 | scenarios |", "|---|---|---|---|---|")
    yield from _times("all faults", result.figures)
    compared = result.side_by_side
    for deployer, figures in compared.figures.items():
        yield from _times(f"{len(compared.faults)} faults by {deployer}", figures)
    if compared.faults:
        same = sum(fault.same for fault in compared.faults.values())
        yield ""
        yield f"{same} of {len(compared.faults)} faults have the same verdicts by each deployer."


def _times(of: str, figures: Figures) -> Iterator[str]:
    for step, one in figures.items():
        yield f"| {of} | {step} | {one.p50:.1f} | {one.p95:.1f} | {one.scenarios} |"
