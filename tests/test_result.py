"""result.json: how it is judged, and that it is what docs/result.schema.json says."""

import io
import json
from types import SimpleNamespace

import pytest
from jsonschema import Draft202012Validator, ValidationError

from pullrecovery import acceptance_run
from pullrecovery.lab.paths import REPOSITORY
from pullrecovery.lab.progress import Progress
from pullrecovery.report.result import ResultFile

SCHEMA = json.loads((REPOSITORY / "docs" / "result.schema.json").read_text())
Draft202012Validator.check_schema(SCHEMA)
TEST = "acceptance/test_reg_003_pull_secret.py::test_bad_pull_secret_recovers[secret-missing]"

OK, FAILED, INTERRUPTED, INTERNAL, USAGE, NONE = range(6)
PASS = [("setup", "passed"), ("call", "passed"), ("teardown", "passed")]

RECORD = {
    "id": "secret-missing-backend-backend-dev-values",
    "reg": "REG-003",
    "fault": "secret-missing",
    "workload": "backend",
    "namespace": "backend-dev-9b056f",
    "wiring": "values",
    "deploy": "helm",
    "must_fail": ["REG-003", "REG-006"],
    "seconds": {"break": 0.28, "detect": 0.65, "diagnose": 0.18, "recover": 0.83},
    "symptom": {"surface": "pod", "reason": "ErrImagePull", "message": "401 Unauthorized"},
    "killed": ["REG-003", "REG-006"],
    "cause": {"expected": "secret.missing", "found": "secret.missing"},
    "pull": {
        "identity": "ByteQuester",
        "digest": "sha256:d4fad550499f8acb977309e23a9807d5e3c4d4462dde170ed74133380dbba40f",
        "at": "2026-11-24T03:20:49.506797+00:00",
    },
}
# As it is while the ground is laid, before anything is broken.
BLANK = {
    key: RECORD[key]
    for key in ("id", "reg", "fault", "workload", "namespace", "wiring", "deploy", "must_fail")
} | {"seconds": {}}


def _config(path="result.json", **options):
    """Return as much of pytest's configuration as a result depends on."""
    known = {
        "result_json": str(path),
        "target": "sample",
        "smoke": False,
        "keyword": "",
        "markexpr": "",
        "deselect": None,
        "ignore": None,
        "ignore_glob": None,
        **options,
    }
    return SimpleNamespace(option=SimpleNamespace(**known), getoption=known.__getitem__)


def _report(result, phases, record=RECORD, test=TEST):
    """Report the phases of one test, each with the record as xdist carries it."""
    for when, outcome in phases:
        report = pytest.TestReport(test, ("", 0, ""), {}, outcome, None, when)
        if record:
            report.scenario = json.dumps(record)
        result.pytest_runtest_logreport(report)


def _result(phases=PASS, record=RECORD, exitstatus=OK, **options):
    file = ResultFile(_config(**options))
    _report(file, phases, record)
    return file.result(exitstatus)


@pytest.mark.parametrize(
    ("phases", "exitstatus", "code", "status"),
    [
        (PASS, OK, 0, "recovered"),
        ([PASS[0], ("call", "failed"), PASS[2]], FAILED, 1, "not_recovered"),
        ([("setup", "failed"), PASS[2]], FAILED, 2, "error"),
        ([PASS[0], PASS[1], ("teardown", "failed")], FAILED, 2, "error"),
        ([PASS[0], ("call", "failed"), ("teardown", "failed")], FAILED, 2, "error"),
        ([("setup", "skipped"), PASS[2]], OK, 2, "error"),
        ([PASS[0], ("call", "skipped"), PASS[2]], OK, 2, "error"),
        ([("???", "failed")], FAILED, 2, "error"),
        ([PASS[0]], INTERRUPTED, 2, "error"),
        (PASS, INTERRUPTED, 2, "recovered"),
        (PASS, INTERNAL, 2, "recovered"),
        (PASS, USAGE, 4, "recovered"),
    ],
    ids=[
        "passed",
        "failed",
        "setup failed",
        "teardown failed",
        "both failed",
        "skipped at setup",
        "skipped",
        "worker died",
        "interrupted within",
        "interrupted after",
        "internal error",
        "usage",
    ],
)
def test_worst_phase_decides(phases, exitstatus, code, status):
    """Only a whole pass is one; what could not be told is never a pass."""
    result = _result(phases, exitstatus=exitstatus)

    assert result["run"]["exit"] == code
    assert [scenario["status"] for scenario in result["scenarios"]] == [status]
    Draft202012Validator(SCHEMA).validate(result)


def test_one_failure_among_passes_is_a_failure():
    """One that does not hold is enough."""
    file = ResultFile(_config())
    _report(file, PASS)
    _report(file, [PASS[0], ("call", "failed")], {**RECORD, "fault": "other"}, "other")

    result = file.result(FAILED)

    assert result["run"]["exit"] == 1
    assert result["criteria"][0] == {"id": "REG-003", "holds": False, "faults": 2, "scenarios": 2}


def test_one_error_among_failures_cannot_tell():
    """What the harness broke may hide anything."""
    file = ResultFile(_config())
    _report(file, [PASS[0], ("call", "failed")])
    _report(file, [("setup", "failed")], test="other")

    assert file.result(FAILED)["run"]["exit"] == 2


@pytest.mark.parametrize("exitstatus", [OK, NONE], ids=["ok", "none collected"])
def test_run_without_a_test_cannot_tell(exitstatus):
    """No result is never a pass."""
    result = ResultFile(_config()).result(exitstatus)

    assert result["run"]["exit"] == 2
    assert not any(criterion["holds"] for criterion in result["criteria"])
    Draft202012Validator(SCHEMA).validate(result)


def test_passes_without_a_scenario_cannot_tell():
    """Whatever passed, no criterion was judged."""
    assert _result(record=None)["run"]["exit"] == 2


def test_scenario_that_broke_down_early_is_recorded_as_far_as_it_came():
    """Its fields that came to nothing are left out."""
    result = _result([("setup", "failed")], BLANK, FAILED)

    assert result["scenarios"] == [{**BLANK, "status": "error"}]
    Draft202012Validator(SCHEMA).validate(result)


def test_criterion_without_a_scenario_does_not_hold():
    """All of nothing is not enough."""
    assert _result()["criteria"] == [
        {"id": "REG-003", "holds": True, "faults": 1, "scenarios": 1},
        {"id": "REG-004", "holds": False, "faults": 0, "scenarios": 0},
        {"id": "REG-005", "holds": False, "faults": 0, "scenarios": 0},
        {"id": "REG-006", "holds": False, "faults": 0, "scenarios": 0},
    ]


def test_kill_matrix_has_all_that_a_fault_failed_anywhere():
    """Beside what it must fail."""
    file = ResultFile(_config())
    _report(file, PASS, {**RECORD, "killed": ["REG-006"]}, "one")
    _report(file, PASS, {**RECORD, "killed": ["REG-003"]}, "two")

    assert file.result(OK)["kill_matrix"] == {
        "secret-missing": {
            "must_fail": ["REG-003", "REG-006"],
            "killed": ["REG-003", "REG-006"],
        }
    }


@pytest.mark.parametrize(
    ("options", "partial"),
    [
        ({}, False),
        ({"keyword": "secret"}, True),
        ({"markexpr": "scenarios"}, True),
        ({"smoke": True}, True),
        ({"deselect": ["acceptance/test_reg_003_pull_secret.py"]}, True),
        ({"ignore": ["acceptance/test_reg_003_pull_secret.py"]}, True),
        ({"ignore_glob": ["*003*"]}, True),
    ],
    ids=["all", "-k", "-m", "--smoke", "--deselect", "--ignore", "--ignore-glob"],
)
def test_selection_is_partial(options, partial):
    """Under xdist the workers select, so the options are all that this process sees."""
    assert _result(**options)["run"]["partial"] is partial


def test_deselected_row_makes_the_run_partial():
    """Whichever plugin it was that left it out."""
    file = ResultFile(_config())
    file.pytest_deselected()

    assert file.result(OK)["run"]["partial"] is True


def test_file_is_written_without_secrets(tmp_path):
    """Into a folder that need not be there."""
    token, auth = "ghp_" + "S3nt1nel" * 4, "Qnl0ZVF1ZXN0ZXI6czNudDFuM2w="
    message = f'{token} {{"auth": "{auth}"}}'
    file = ResultFile(_config(tmp_path / "new" / "result.json"))
    _report(file, PASS, {**RECORD, "symptom": {**RECORD["symptom"], "message": message}})

    file.pytest_sessionfinish(OK)

    text = file.path.read_text()
    assert token not in text
    assert auth not in text
    Draft202012Validator(SCHEMA).validate(json.loads(text))


def test_harness_own_tests_write_no_result(pytestconfig):
    """Theirs would stand where the last acceptance run's stood, and look like a pass."""
    assert not pytestconfig.pluginmanager.has_plugin("pull-recovery-result")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("more",), 1),
        (("run", "more"), 1),
        (("run", "exit"), 3),
        (("run", "partial"), None),
        (("schema",), 2),
        (("scenarios", 0, "status"), "passed"),
        (("scenarios", 0, "reg"), "REG-009"),
        (("scenarios", 0, "wiring"), "by hand"),
        (("leaks",), None),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else repr(value),
)
def test_schema_refuses_what_is_not_described(place, value):
    """A new field is described before it is written."""
    result = _result()
    *parents, last = place
    node = result
    for parent in parents:
        node = node[parent]
    node[last] = value

    with pytest.raises(ValidationError):
        Draft202012Validator(SCHEMA).validate(result)


def _close(tmp_path, leaks, exitstatus=OK):
    """End a run whose tests passed; return its exit code and the file."""
    file = ResultFile(_config(tmp_path / "result.json"))
    _report(file, PASS)
    file.pytest_sessionfinish(exitstatus)
    progress = Progress(("tests",), out=io.StringIO(), seconds={"cluster": 13.5, "tests": 2.0})
    code = acceptance_run._close(file.path, leaks, progress)
    return code, json.loads(file.path.read_text())


def test_run_that_left_nothing_ends_as_its_tests_did(tmp_path):
    """The file has the phases of the whole command by then."""
    code, result = _close(tmp_path, [])

    assert code == result["run"]["exit"] == 0
    assert result["run"]["phases"] == {"cluster": 13.5, "tests": 2.0}
    assert result["leaks"] == []
    Draft202012Validator(SCHEMA).validate(result)


def test_leak_turns_a_pass_into_cannot_tell(tmp_path):
    """A scenario that does not clean up spoils the next one."""
    code, result = _close(tmp_path, ["namespace backend-dev-9b056f"])

    assert code == result["run"]["exit"] == 2
    assert result["leaks"] == ["namespace backend-dev-9b056f"]
    Draft202012Validator(SCHEMA).validate(result)


def test_tests_that_left_no_result_cannot_tell(tmp_path):
    """Pytest itself may have been killed."""
    out = io.StringIO()

    code = acceptance_run._close(tmp_path / "result.json", [], Progress((), out=out))

    assert code == 2
    assert out.getvalue() == ("error: the tests left no result.json: the harness cannot tell\n")
