"""Check how result.json of a live run is judged, and that it matches its schema."""

from dataclasses import replace

import pytest

from pullrecovery.common.false_pass_guards import Guard
from pullrecovery.report.live_result import LiveResultFile
from pullrecovery.report.live_summary import live_summary
from pullrecovery.report.records import LivePullRecord, OtherCause, VerdictRecord, to_json
from pullrecovery.tasks import CRITERIA
from tests.fakes.reported import FAILED, INTERRUPTED, OK, PASS, config, validate

PASSES = VerdictRecord(
    id="REG-003-backend",
    criterion="REG-003",
    release="backend",
    namespace="backend-dev",
    outcome="pass",
    pulls=(LivePullRecord("backend-7d", "ghcr.io/x@sha256:1", "", ""),),
)
FAILS = replace(
    PASSES,
    outcome="fail",
    cause="secret.missing",
    evidence="Secret backend-dev/ghcr-credentials does not exist",
    fix="kubectl create secret …",
    others=(OtherCause("wiring.not-wired", "it is not named", "name it"),),
    plan="Secret backend-dev/ghcr-credentials would be created\n+type: …",
)
UNKNOWN = replace(PASSES, outcome="unknown", evidence="forbids to list pods in backend-dev")
FAILURE = [PASS[0], ("call", "failed"), PASS[2]]
ERROR = [("setup", "failed"), PASS[2]]


def _result(*tests, exitstatus=OK, optional=(), **options):
    """Return the result of tests given as phases and verdict; complete by default."""
    chosen = {"keyword": "", "context": "production", **options}
    expected = ("REG-003-backend",)
    file = LiveResultFile(config(**chosen), frozenset(optional), expected)
    for number, (phases, verdict) in enumerate(tests):
        for when, outcome in phases:
            words = "E   broke" if outcome == "failed" else None
            phase = pytest.TestReport(f"test[{number}]", ("", 0, ""), {}, outcome, words, when)
            if verdict:
                phase.verdict = to_json(verdict)
            file.pytest_runtest_logreport(phase)
    return file.result(exitstatus)


@pytest.mark.parametrize(
    ("tests", "exitstatus", "code"),
    [
        ([(PASS, PASSES)], OK, 0),
        ([(FAILURE, FAILS)], FAILED, 1),
        ([(ERROR, UNKNOWN)], FAILED, 2),
        ([(FAILURE, FAILS), (ERROR, UNKNOWN)], FAILED, 2),
        ([(PASS, PASSES), (ERROR, None)], FAILED, 2),
        ([], OK, 2),
        ([(PASS, PASSES)], INTERRUPTED, 2),
        ([([("setup", "skipped"), PASS[2]], PASSES)], OK, 2),
        ([(PASS, replace(PASSES, id="REG-004-backend", criterion="REG-004"))], OK, 2),
    ],
    ids=[
        "all hold",
        "one fails",
        "one cannot be told",
        "one each",
        "one broke down",
        "nothing was run",
        "interrupted",
        "skipped",
        "one was not judged",
    ],
)
def test_only_judged_pass_exits_0(tests, exitstatus, code):
    """An unknown outcome takes precedence over a failure, as in the lab."""
    result = _result(*tests, exitstatus=exitstatus)

    validate(result)
    assert (result.run.exit, result.run.world) == (code, "live")


def test_unknown_outcome_has_its_reason():
    """The unknown outcome has its reason, so that the end of the output names the missing verb."""
    result = _result((ERROR, UNKNOWN), (ERROR, None), exitstatus=FAILED)

    assert result.run.unknowns == (
        "REG-003-backend: forbids to list pods in backend-dev",
        "test[1]: E   broke",
    )
    assert _result().run.unknowns == (Guard.SOMETHING_JUDGED.value,)


def test_selection_is_partial():
    """A selection is partial, so a gate refuses it."""
    result = _result((PASS, PASSES), markexpr="not reg007")

    assert (result.run.selection, result.missing, result.run.exit) == ("partial", (), 0)


def test_optional_criterion_fails_no_run():
    """A failing optional criterion does not fail the run.

    An unknown one, or another criterion's failure, still counts.
    """
    optional = replace(FAILS, id="REG-008-backend", criterion="REG-008")

    assert _result((PASS, PASSES), (FAILURE, optional), optional=["REG-008"]).run.exit == 0
    assert _result((PASS, PASSES), (FAILURE, optional)).run.exit == 1


def test_result_lists_unchecked_criteria():
    """A live run has no docker client and no registry log."""
    result = _result((PASS, PASSES))

    notes = " ".join(result.run.notes)
    assert "docker and crane were not run" in notes
    assert "there is no registry log" in notes
    assert result.run.context == "production"


def test_criterion_passes_on_every_workload():
    """A criterion passes if it passes on every workload; one that was not judged does not pass."""
    failing = replace(FAILS, id="REG-003-frontend")
    result = _result((PASS, PASSES), (FAILURE, failing), exitstatus=FAILED)

    assert _outcomes(result) == dict.fromkeys(CRITERIA, "not-checked") | {"REG-003": "fail"}
    assert _outcomes(_result((PASS, PASSES)))["REG-003"] == "pass"
    assert _outcomes(_result((ERROR, UNKNOWN)))["REG-003"] == "unknown"
    missing = replace(PASSES, outcome="not-applicable")
    assert _outcomes(_result((PASS, missing)))["REG-003"] == "not-applicable"


def _outcomes(result):
    return {criterion.id: criterion.outcome for criterion in result.criteria}


def test_summary_says_why_a_test_broke_down():
    """The summary has the error's message, as pytest only counts errors there."""
    assert "  unknown  test[0]: E   broke" in live_summary(_result((ERROR, None)))


def test_summary_has_fix_order():
    """The order is per workload; a workload with one failure has none."""
    upgrade = replace(FAILS, id="REG-006-backend", criterion="REG-006")
    other = replace(FAILS, id="REG-003-frontend", release="frontend")
    tests = [(FAILURE, each) for each in (upgrade, FAILS, other)]

    lines = live_summary(_result(*tests, exitstatus=FAILED))

    assert [line for line in lines if line.startswith("  fix ")] == [
        "  fix backend: first REG-003, then REG-006"
    ]


def test_summary_has_cause_fix_and_plan():
    """The terminal output is made from the result only."""
    lines = live_summary(_result((FAILURE, FAILS), (ERROR, UNKNOWN), exitstatus=FAILED))

    text = "\n".join(lines)
    assert "REG-003-backend          fail         secret.missing: Secret backend-dev" in text
    assert "and        wiring.not-wired: it is not named" in text
    assert "fix:       kubectl create secret" in text
    assert "plan:      +type: …" in text
    assert "unknown      forbids to list pods" in text


def test_words_of_pods_are_printed_plain():
    """Events, labels and registry answers are untrusted text."""
    words = "seen\x1b[2J\n::error::x"
    other = replace(FAILS.others[0], evidence=words)
    hostile = replace(FAILS, evidence=words, fix=words, others=(other,), plan=words)

    printed = "\n".join(live_summary(_result((FAILURE, hostile), exitstatus=FAILED)))

    assert printed.count("::error::x") == 4
    assert "\x1b" not in printed
    assert [line for line in printed.splitlines() if line.lstrip().startswith("::")] == []
