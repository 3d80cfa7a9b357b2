"""Check the detection matrix, the figures, and the printed summary of both."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from devtools.matrix_page import PAGE, not_run_yet, outdated, page_of
from pullrecovery.faults import FAULTS, external
from pullrecovery.report.detection_matrix import all_mismatches, detection_matrix
from pullrecovery.report.figures import figures
from pullrecovery.report.records import CauseRecord, SecondsRecord
from pullrecovery.report.result import ResultFile
from pullrecovery.report.summary import summary
from pullrecovery.tasks import CRITERIA
from tests.fakes.reported import BLANK, OK, PASS, RECORD, config, report


def _result(*records, **options):
    file = ResultFile(config(**options))
    for at, record in enumerate(records):
        report(file, PASS, replace(RECORD, id=f"row-{at}", **record), f"test-{at}")
    return file.result(OK)


def _mismatches(**record):
    matrix = detection_matrix([replace(RECORD, **record)])
    return [(one.kind, one.detail) for one in all_mismatches(matrix)]


def test_detected_fault_has_no_mismatch():
    """A fault that is detected with its declared cause has no mismatch."""
    assert _mismatches() == []


@pytest.mark.parametrize(
    ("record", "mismatch"),
    [
        ({"detected": ("REG-003",)}, ("undetected", "REG-006")),
        ({"detected": ("REG-001", "REG-003", "REG-006")}, ("unexpected failure", "REG-001")),
        (
            {"cause": CauseRecord("secret.missing", "unknown")},
            ("misdiagnosed", "unknown for secret.missing"),
        ),
        ({"after": ("REG-006",)}, ("not remediated", "REG-006")),
    ],
)
def test_each_mismatch_has_own_kind(record, mismatch):
    """Undetected, misdiagnosed and unexpected failures are each a mismatch of their own kind."""
    assert _mismatches(**record) == [mismatch]


def test_unjudged_scenario_is_mismatch():
    """A scenario without verdicts proves nothing."""
    (mismatch,) = all_mismatches(detection_matrix([BLANK]))
    assert mismatch.kind == "not checked"


def test_matrix_has_failures_of_scenarios():
    """The matrix lists scenarios, as two scenarios of one fault may differ."""
    row = _result({"detected": ("REG-006",)}, {}).detection_matrix["secret-missing"]

    assert row.detected == {"row-0": ("REG-006",), "row-1": ("REG-003", "REG-006")}
    assert row.found == ("secret.missing",)
    assert [one.scenario for one in row.mismatches] == ["row-0"]


def test_undetected_faults_come_first():
    """Undetected faults come before those with unexpected failures."""
    unexpected = {"detected": ("REG-001", "REG-003", "REG-006")}

    lines = summary(_result(unexpected, {"detected": ("REG-003",)}))

    assert lines[0].split() == ["undetected", "row-1:", "REG-006"]
    assert lines[1].split() == ["unexpected", "failure", "row-0:", "REG-001"]
    counts = "1 undetected, 0 misdiagnosed, 1 unexpected failures, 2 mismatches in all"
    assert lines[2] == f"  detection matrix: 1 faults in 2 scenarios; {counts}"


def test_summary_names_what_was_not_run():
    """The summary names faults that were not run, which make the run exit with 2."""
    assert "  unknown  not-wired was not run" in summary(_result({}, keyword=""))


def test_summary_has_the_figures():
    """The figures are of the rows that have them."""
    lines = summary(_result({}, keyword="secret"))
    assert lines[-1].startswith("  p50 / p95: detect 0.7 / 0.7 s (1 scenarios)")


def test_percentiles_are_over_terminal_causes():
    """The percentiles skip external causes, whose duration is that of the outage."""
    timed = [replace(RECORD, seconds=SecondsRecord(detect=float(at))) for at in range(1, 22)]
    outage = CauseRecord("external.outage")

    found = figures([*timed, replace(RECORD, seconds=SecondsRecord(detect=900.0), cause=outage)])

    assert {step: (one.p50, one.p95, one.scenarios) for step, one in found.items()} == {
        "detect": (11.0, 20.0, 21)
    }


def test_page_has_row_per_fault():
    """The page has the criteria as columns."""
    page = page_of(_result({}, {"detected": ("REG-006",)}))

    (row,) = (line for line in page.splitlines() if line.startswith("| `secret-missing` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    marks = dict(zip(CRITERIA, cells[2:-2], strict=True))
    assert {reg: mark for reg, mark in marks.items() if mark} == {"REG-003": "?", "REG-006": "✗"}
    assert cells[-2:] == ["`secret.missing`", "2"]
    assert "- undetected: `row-1`: REG-003" in page


def test_external_fault_has_no_task_row():
    """No task fixes an external cause, but the matrix names it."""
    cause = "external.rate-limited"
    external = {"criterion": None, "fault": "rate-limit", "cause": CauseRecord(cause, cause)}

    page = page_of(_result(external, {}))

    assert "| `rate-limit` | external |" in page


def _fault(name, must_fail):
    return SimpleNamespace(id=name, must_fail=frozenset(must_fail))


def test_current_page_is_not_outdated():
    """A page from a run of the same faults is current."""
    page = page_of(_result({}))
    assert outdated(page, [_fault("secret-missing", ["REG-003", "REG-006"])]) == []


@pytest.mark.parametrize(
    ("faults", "named"),
    [
        ([], ["secret-missing"]),
        ([_fault("secret-missing", ["REG-003"])], ["secret-missing"]),
        ([_fault("renamed", ["REG-003", "REG-006"])], ["renamed", "secret-missing"]),
    ],
    ids=["gone", "fails something else", "renamed"],
)
def test_page_of_other_rows_is_outdated(faults, named):
    """A page from other faults is outdated, as its evidence no longer applies."""
    page = page_of(_result({}))
    assert [line.partition(":")[0] for line in outdated(page, faults)] == named


def test_documented_page_is_current():
    """The committed page covers every fault that a complete run has run, Argo CD's too.

    After a change of a fault, run them all and write the page again. A new fault is only named, at
    the end of the tests' output.
    """
    page, faults = PAGE.read_text(), [*FAULTS, *external.FAULTS]
    new = not_run_yet(page, faults)

    assert outdated(page, [fault for fault in faults if fault.id not in new]) == []
    assert len(new) < len(faults)


def test_fault_without_row_was_not_run_yet():
    """A fault that no complete run has run is named, as the page has no row for it."""
    page = page_of(_result({}))
    faults = [_fault("secret-missing", ["REG-003", "REG-006"]), _fault("new", ["REG-003"])]

    assert not_run_yet(page, faults) == ["new"]


def test_page_that_is_empty_is_outdated():
    """A page without a table is outdated."""
    assert outdated("", [_fault("secret-missing", ["REG-003"])])
