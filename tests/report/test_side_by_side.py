"""Check the comparison of Helm and Argo CD on the same faults."""

from dataclasses import replace

from pullrecovery.report.records import CauseRecord, SideBySide
from pullrecovery.report.result import ResultFile
from pullrecovery.report.side_by_side import side_by_side, side_by_side_lines
from tests.fakes.reported import BLANK, OK, PASS, RECORD, config, report, validate

BY_ARGOCD = replace(RECORD, deploy="argocd", id=f"{RECORD.id}-argocd")
OTHER = CauseRecord("secret.missing", "cluster.release-stale")


def test_equal_verdicts_are_counted_with_times():
    """Equal verdicts are counted, with the time that each deployer took."""
    compared = side_by_side([RECORD, BY_ARGOCD])

    assert compared.faults["secret-missing"].same
    assert list(compared.figures) == ["argocd", "helm"]
    assert next(side_by_side_lines(compared)) == (
        "  side by side: 1 faults by argocd, helm; 1 with the same verdicts"
    )


def test_differing_cause_comes_first():
    """A mismatch comes first, with fault and both verdicts."""
    for record in (replace(BY_ARGOCD, cause=OTHER), replace(BY_ARGOCD, detected=("REG-006",))):
        compared = side_by_side([RECORD, record])

        assert not compared.faults["secret-missing"].same
        first = next(side_by_side_lines(compared))
        assert first.startswith("  mismatch secret-missing: helm REG-003, REG-006, secret")


def test_fault_of_one_deployer_is_not_compared():
    """A fault of one deployer, or a scenario that was not judged, is not compared."""
    assert side_by_side([RECORD, replace(BY_ARGOCD, fault="another")]) == SideBySide()
    assert side_by_side([RECORD, replace(BLANK, deploy="argocd")]) == SideBySide()
    assert list(side_by_side_lines(SideBySide())) == []


def test_comparison_stands_in_the_result(tmp_path):
    """The result has the comparison as the schema describes it."""
    file = ResultFile(config(tmp_path / "result.json"))

    report(file, PASS)
    report(file, PASS, BY_ARGOCD, "by-argocd")
    document = validate(file.result(OK))

    assert document["side_by_side"]["faults"]["secret-missing"]["same"]
