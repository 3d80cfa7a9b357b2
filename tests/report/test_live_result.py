"""Check how result.json of a live run is judged, and that it matches its schema."""

import json

import pytest

from pullrecovery.common.false_pass_guards import Guard
from pullrecovery.report.live_result import LiveResultFile
from pullrecovery.report.live_summary import live_summary
from tests.fakes.reported import FAILED, INTERRUPTED, OK, PASS, config, validate

HOLDS = {
    "id": "REG-003-backend",
    "reg": "REG-003",
    "workload": "backend",
    "namespace": "backend-dev",
    "outcome": "holds",
    "cause": None,
    "evidence": "",
    "remedy": "",
    "others": [],
    "advice": "",
    "pulls": [{"pod": "backend-7d", "image_id": "ghcr.io/x@sha256:1", "said": "", "at": ""}],
}
FAILS = HOLDS | {
    "outcome": "fails",
    "cause": "secret.missing",
    "evidence": "Secret backend-dev/ghcr-credentials does not exist",
    "remedy": "kubectl create secret …",
    "others": [{"cause": "wiring.not-wired", "evidence": "it is not named", "remedy": "name it"}],
    "advice": "Secret backend-dev/ghcr-credentials would be created\n+type: …",
}
UNTOLD = HOLDS | {"outcome": "cannot_tell", "evidence": "forbids to list pods in backend-dev"}
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
                phase.verdict = json.dumps(verdict)
            file.pytest_runtest_logreport(phase)
    return file.result(exitstatus)


@pytest.mark.parametrize(
    ("tests", "exitstatus", "code"),
    [
        ([(PASS, HOLDS)], OK, 0),
        ([(FAILURE, FAILS)], FAILED, 1),
        ([(ERROR, UNTOLD)], FAILED, 2),
        ([(FAILURE, FAILS), (ERROR, UNTOLD)], FAILED, 2),
        ([(PASS, HOLDS), (ERROR, None)], FAILED, 2),
        ([], OK, 2),
        ([(PASS, HOLDS)], INTERRUPTED, 2),
        ([([("setup", "skipped"), PASS[2]], HOLDS)], OK, 2),
        ([(PASS, HOLDS | {"id": "REG-004-backend", "reg": "REG-004"})], OK, 2),
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
    assert result["run"]["exit"] == code
    assert result["run"]["world"] == "live"


def test_unknown_is_in_doubts():
    """The unknown outcome has its reason, so that the end of the output names the missing verb."""
    result = _result((ERROR, UNTOLD), (ERROR, None), exitstatus=FAILED)

    assert result["run"]["doubts"] == [
        "REG-003-backend: forbids to list pods in backend-dev",
        "test[1]: E   broke",
    ]
    assert _result()["run"]["doubts"] == [Guard.SOMETHING_JUDGED.value]


def test_selection_is_partial():
    """A selection is partial, so a gate refuses it."""
    result = _result((PASS, HOLDS), markexpr="not reg007")

    assert (result["run"]["partial"], result["missing"], result["run"]["exit"]) == (True, [], 0)


def test_optional_criterion_fails_no_run():
    """A failing optional criterion does not fail the run.

    An unknown one, or another criterion's failure, still counts.
    """
    optional = FAILS | {"id": "REG-008-backend", "reg": "REG-008"}

    assert _result((PASS, HOLDS), (FAILURE, optional), optional=["REG-008"])["run"]["exit"] == 0
    assert _result((PASS, HOLDS), (FAILURE, optional))["run"]["exit"] == 1


def test_result_lists_unchecked_criteria():
    """A live run has no docker client and no registry log."""
    result = _result((PASS, HOLDS))

    notes = " ".join(result["run"]["notes"])
    assert "docker and crane were not run" in notes
    assert "no log of the registry's" in notes
    assert result["run"]["context"] == "production"


def test_criterion_passes_on_every_workload():
    """A criterion passes if it passes on every workload; one that was not judged does not pass."""
    failing = FAILS | {"id": "REG-003-frontend"}
    result = _result((PASS, HOLDS), (FAILURE, failing), exitstatus=FAILED)

    held = {each["id"]: each["holds"] for each in result["criteria"]}
    assert not any(held.values())
    assert {each["id"]: each["holds"] for each in _result((PASS, HOLDS))["criteria"]}["REG-003"]


def test_summary_says_why_a_test_broke_down():
    """The summary has the error's message, as pytest only counts errors there."""
    assert "  CANNOT TELL  test[0]: E   broke" in live_summary(_result((ERROR, None)))


def test_summary_has_fix_order():
    """The order is per workload; a workload with one failure has none."""
    upgrade = FAILS | {"id": "REG-006-backend", "reg": "REG-006"}
    other = FAILS | {"id": "REG-003-frontend", "workload": "frontend"}
    tests = [(FAILURE, each) for each in (upgrade, FAILS, other)]

    lines = live_summary(_result(*tests, exitstatus=FAILED))

    assert [line for line in lines if line.startswith("  fix ")] == [
        "  fix backend: first REG-003, then REG-006"
    ]


def test_summary_has_cause_fix_and_dry_run():
    """The terminal output is made from the result only."""
    lines = live_summary(_result((FAILURE, FAILS), (ERROR, UNTOLD), exitstatus=FAILED))

    text = "\n".join(lines)
    assert "REG-003-backend          FAILS        secret.missing: Secret backend-dev" in text
    assert "and        wiring.not-wired: it is not named" in text
    assert "mend it:   kubectl create secret" in text
    assert "dry run:   +type: …" in text
    assert "CANNOT TELL  forbids to list pods" in text


def test_words_of_pods_are_printed_plain():
    """Events, labels and registry answers are untrusted text."""
    words = "seen\x1b[2J\n::error::x"
    other = FAILS["others"][0] | {"evidence": words}
    hostile = FAILS | {"evidence": words, "remedy": words, "others": [other], "advice": words}

    printed = "\n".join(live_summary(_result((FAILURE, hostile), exitstatus=FAILED)))

    assert printed.count("::error::x") == 4
    assert "\x1b" not in printed
    assert [line for line in printed.splitlines() if line.lstrip().startswith("::")] == []
