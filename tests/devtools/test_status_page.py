"""Check the pages that are generated from result.json."""

from dataclasses import replace

import pytest

from devtools import matrix_page, status_page
from devtools.generated_page import is_unedited
from devtools.result_schema import SCHEMA_FILE, schema_text
from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.report.records import ControlRecord, write_result
from pullrecovery.report.result import ResultFile
from tests.fakes.reported import OK, PASS, RECORD, config, report


def _result(**options):
    file = ResultFile(config(**{"keyword": "", **options}))
    report(file, PASS)
    by_argocd = replace(RECORD, deploy="argocd", id=f"{RECORD.id}-argocd")
    report(file, PASS, by_argocd, "by-argocd")
    report(file, PASS, ControlRecord("healthy-backend", "healthy", "pass"), "control")
    result = file.result(OK)
    result.run.versions = {"kubernetes": "1.37.2", "containerd": "2.3.4"}
    result.run.suite_commit = "0123456789abcdef"
    return result


def test_pages_name_commit_and_date(tmp_path):
    """Both pages are written from one result."""
    result, file = _result(), tmp_path / "result.json"
    write_result(file, result)
    pages = [tmp_path / "status.md", tmp_path / "matrix.md"]

    status_page.write_pages(file, *pages)

    for page in pages:
        text = page.read_text()
        assert f"of {result.run.started[:10]}, commit `0123456789ab`:\n1 faults in 2 sc" in text
        assert is_unedited(text)
        assert not is_unedited(text.replace("2 scenarios", "3 scenarios"))


def test_status_has_outcomes_and_times():
    """The tables are made from the result alone."""
    page = status_page.page_of(_result())

    assert "| REG-003 | the pull secret | pass | 1 | 2 |" in page
    assert "| REG-001 | identify the image | not-checked | 0 | 0 |" in page
    assert "| controls as expected | 1 of 1 |" in page
    assert "| all faults | recover | 0.8 | 0.8 | 2 |" in page
    assert "| 1 faults by argocd | detect | 0.7 | 0.7 | 1 |" in page


@pytest.mark.parametrize("exists", [False, True], ids=["no result", "partial run"])
def test_partial_run_makes_no_page(tmp_path, exists):
    """A page of a partial run would hide the faults that were not selected."""
    file, page = tmp_path / "result.json", tmp_path / "page.md"
    if exists:
        write_result(file, _result(keyword="secret"))

    with pytest.raises(PullRecoveryError):
        status_page.write_pages(file, page, page)
    assert not page.exists()


@pytest.mark.parametrize("page", [status_page.PAGE, matrix_page.PAGE], ids=lambda page: page.name)
def test_committed_page_is_not_edited(page):
    """Whoever wants another page changes the generator, and runs `make status`."""
    assert is_unedited(page.read_text())


def test_committed_schema_is_that_of_records():
    """After a change of a record, run `python -m devtools result-schema`."""
    assert SCHEMA_FILE.read_text() == schema_text()
