"""result.json of a live run: how it is judged, and that it is what its schema says."""

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
    """Of tests given as phases and verdict each; complete, unless an option says otherwise."""
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
    """What could not be told counts for more than what fails, as for the lab."""
    result = _result(*tests, exitstatus=exitstatus)

    validate(result)
    assert result["run"]["exit"] == code
    assert result["run"]["world"] == "live"


def test_unknown_is_in_doubts():
    """With why, as whoever reads only the run's end must know which verb is missing."""
    result = _result((ERROR, UNTOLD), (ERROR, None), exitstatus=FAILED)

    assert result["run"]["doubts"] == [
        "REG-003-backend: forbids to list pods in backend-dev",
        "test[1]: E   broke",
    ]
    assert _result()["run"]["doubts"] == [Guard.SOMETHING_JUDGED.value]


def test_selection_is_partial():
    """A gate refuses it."""
    result = _result((PASS, HOLDS), markexpr="not reg007")

    assert (result["run"]["partial"], result["missing"], result["run"]["exit"]) == (True, [], 0)


def test_optional_criterion_fails_no_run():
    """Unless it cannot be told, or another fails too."""
    optional = FAILS | {"id": "REG-008-backend", "reg": "REG-008"}

    assert _result((PASS, HOLDS), (FAILURE, optional), optional=["REG-008"])["run"]["exit"] == 0
    assert _result((PASS, HOLDS), (FAILURE, optional))["run"]["exit"] == 1


def test_result_lists_unchecked_criteria():
    """No client of docker's was run, and no log of the registry's read."""
    result = _result((PASS, HOLDS))

    notes = " ".join(result["run"]["notes"])
    assert "docker and crane were not run" in notes
    assert "no log of the registry's" in notes
    assert result["run"]["context"] == "production"


def test_criterion_passes_on_every_workload():
    """And one that nobody judged does not."""
    failing = FAILS | {"id": "REG-003-frontend"}
    result = _result((PASS, HOLDS), (FAILURE, failing), exitstatus=FAILED)

    held = {each["id"]: each["holds"] for each in result["criteria"]}
    assert not any(held.values())
    assert {each["id"]: each["holds"] for each in _result((PASS, HOLDS))["criteria"]}["REG-003"]


def test_summary_says_why_a_test_broke_down():
    """Pytest only counts there, so that it would be said nowhere."""
    assert "  CANNOT TELL  test[0]: E   broke" in live_summary(_result((ERROR, None)))


def test_summary_has_fix_order():
    """By workload; one that has a single failure has no order."""
    upgrade = FAILS | {"id": "REG-006-backend", "reg": "REG-006"}
    other = FAILS | {"id": "REG-003-frontend", "workload": "frontend"}
    tests = [(FAILURE, each) for each in (upgrade, FAILS, other)]

    lines = live_summary(_result(*tests, exitstatus=FAILED))

    assert [line for line in lines if line.startswith("  fix ")] == [
        "  fix backend: first REG-003, then REG-006"
    ]


def test_summary_has_cause_fix_and_dry_run():
    """In the terminal, from the result alone."""
    lines = live_summary(_result((FAILURE, FAILS), (ERROR, UNTOLD), exitstatus=FAILED))

    text = "\n".join(lines)
    assert "REG-003-backend          FAILS        secret.missing: Secret backend-dev" in text
    assert "and        wiring.not-wired: it is not named" in text
    assert "mend it:   kubectl create secret" in text
    assert "dry run:   +type: …" in text
    assert "CANNOT TELL  forbids to list pods" in text


def test_words_of_pods_are_printed_plain():
    """Events, labels and registries' answers are chosen by others."""
    words = "seen\x1b[2J\n::error::x"
    other = FAILS["others"][0] | {"evidence": words}
    hostile = FAILS | {"evidence": words, "remedy": words, "others": [other], "advice": words}

    printed = "\n".join(live_summary(_result((FAILURE, hostile), exitstatus=FAILED)))

    assert printed.count("::error::x") == 4
    assert "\x1b" not in printed
    assert [line for line in printed.splitlines() if line.lstrip().startswith("::")] == []
