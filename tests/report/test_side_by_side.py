"""Check the comparison of Helm and Argo CD on the same faults."""

from pullrecovery.report.result import ResultFile
from pullrecovery.report.side_by_side import side_by_side, told_side_by_side
from tests.fakes.reported import BLANK, OK, PASS, RECORD, config, report, validate

BY_ARGOCD = {**RECORD, "deploy": "argocd", "id": f"{RECORD['id']}-argocd"}
OTHER = {"cause": {"expected": "secret.missing", "found": "cluster.release-stale"}}


def test_equal_verdicts_are_counted_with_times():
    """Equal verdicts are counted, with the time that each deployer took."""
    compared = side_by_side([RECORD, BY_ARGOCD])

    assert compared["faults"]["secret-missing"]["same"]
    assert list(compared["figures"]) == ["argocd", "helm"]
    assert next(told_side_by_side(compared)) == (
        "  side by side: 1 faults by argocd, helm; 1 with the same verdicts"
    )


def test_differing_cause_comes_first():
    """A difference comes first, with fault and both verdicts."""
    for record in ({**BY_ARGOCD, **OTHER}, {**BY_ARGOCD, "killed": ["REG-006"]}):
        compared = side_by_side([RECORD, record])

        assert not compared["faults"]["secret-missing"]["same"]
        first = next(told_side_by_side(compared))
        assert first.startswith("  NOT THE SAME secret-missing: helm REG-003, REG-006, secret")


def test_fault_of_one_deployer_is_not_compared():
    """A fault of one deployer, or a row that was not judged, is not compared."""
    assert side_by_side([RECORD, {**BY_ARGOCD, "fault": "another"}]) == {}
    assert side_by_side([RECORD, {**BLANK, "deploy": "argocd"}]) == {}
    assert list(told_side_by_side({})) == []


def test_comparison_stands_in_the_result(tmp_path):
    """The result has the comparison as the schema describes it."""
    file = ResultFile(config(tmp_path / "result.json"))

    report(file, PASS)
    report(file, PASS, BY_ARGOCD, "by-argocd")
    result = file.result(OK)

    assert result["deployers"]["faults"]["secret-missing"]["same"]
    validate(result)
