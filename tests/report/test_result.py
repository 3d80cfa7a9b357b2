"""Check how result.json is judged, and that it matches docs/result.schema.json."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from jsonschema import Draft202012Validator, ValidationError
from pydantic import ValidationError as PydanticError

from fixtures.plugin.records import CONTROL, SCENARIO, pytest_runtest_makereport
from pullrecovery.common.errors import LabError
from pullrecovery.common.false_pass_guards import Guard
from pullrecovery.faults import FAULTS
from pullrecovery.faults.harness import HARNESS_FAULTS
from pullrecovery.report import result as result_module
from pullrecovery.report.records import (
    CauseRecord,
    ControlRecord,
    CriterionRecord,
    GuardRecord,
    Result,
    StoryRecord,
    StoryStep,
    from_json,
    read_result,
    to_json,
)
from pullrecovery.report.result import ResultFile
from pullrecovery.report.summary import summary
from pullrecovery.tasks import CRITERIA
from pullrecovery.tasks.order import AFTER
from pullrecovery.tasks.reg_001_image_identity import DisagreementError
from tests.fakes.reported import (
    BLANK,
    FAILED,
    INTERNAL,
    INTERRUPTED,
    NONE,
    OK,
    PASS,
    RECORD,
    SCHEMA,
    TEST,
    USAGE,
    config,
    report,
    validate,
)


def _criterion(reg, outcome="not-checked", faults=0, scenarios=0):
    return CriterionRecord(reg, outcome, True, AFTER.get(reg, ()), faults, scenarios)


def _result(phases=PASS, record=RECORD, exitstatus=OK, **options):
    file = ResultFile(config(**options))
    report(file, phases, record)
    return file.result(exitstatus)


@pytest.mark.parametrize(
    ("phases", "exitstatus", "code", "status"),
    [
        (PASS, OK, 0, "recovered"),
        ([PASS[0], ("call", "failed"), PASS[2]], FAILED, 1, "not-recovered"),
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
    """A test passes only if every phase passes; an unknown phase is never a pass."""
    result = _result(phases, exitstatus=exitstatus, keyword="secret")

    assert result.run.exit == code
    assert [scenario.status for scenario in result.scenarios] == [status]
    validate(result)


@pytest.mark.parametrize(
    ("error", "judged"),
    [
        (DisagreementError("the clients were told one thing, the harness another"), False),
        (LabError("the runner could not run its commands"), False),
        (AssertionError("another verdict than expected"), True),
    ],
    ids=["disagreement", "lab", "assertion"],
)
def test_harness_error_is_unknown(error, judged):
    """An error of the harness is no failure of a criterion."""
    file = ResultFile(config())
    report(file, [PASS[0]])

    file.pytest_runtest_logreport(_made_report(pytest.Stash(), error, "failed"))

    result = file.result(FAILED)
    assert result.scenarios[0].status == ("not-recovered" if judged else "error")
    assert result.run.exit == (1 if judged else 2)


def _made_report(stash, error=None, outcome="passed"):
    """Return a test's report as the hook makes it from the records in the stash."""
    phase = pytest.TestReport(TEST, ("", 0, ""), {}, outcome, None, "call")
    hook = pytest_runtest_makereport(
        SimpleNamespace(stash=stash),
        SimpleNamespace(excinfo=error and SimpleNamespace(value=error)),
    )
    next(hook)
    with pytest.raises(StopIteration) as ended:
        hook.send(phase)
    return ended.value.value


@pytest.mark.parametrize(("optional", "code"), [((), 1), (["REG-003"], 0)])
def test_failed_control_of_optional_criterion_is_ignored(optional, code):
    """A control has the criterion of its scenario, which is then no scenario of the run."""
    stash = pytest.Stash()
    stash[SCENARIO], stash[CONTROL] = RECORD, ControlRecord("nothing-for-wire", "no-op")
    file = ResultFile(config(), frozenset(optional))

    file.pytest_runtest_logreport(_made_report(stash, outcome="failed"))

    result = file.result(FAILED)
    assert (result.run.exit, result.scenarios) == (code, ())
    assert [control.as_expected for control in result.controls] == [False]


BEYOND = CauseRecord("external.dns", "external.dns")


@pytest.mark.parametrize(
    ("phases", "status"),
    [(PASS, "external"), ([PASS[0], ("call", "failed")], "not-recovered")],
    ids=["named and over", "not as it must be"],
)
def test_external_row_is_not_recovered(phases, status):
    """A row of an external cause is not recovered, and makes no criterion pass."""
    code = OK if phases is PASS else FAILED
    record = replace(RECORD, criterion=None, cause=BEYOND)
    result = _result(phases, record, code, keyword="dns")

    assert [scenario.status for scenario in result.scenarios] == [status]
    assert {one.outcome for one in result.criteria} == {"not-checked"}
    assert result.run.exit == (0 if phases is PASS else 1)
    validate(result)


def test_one_failure_among_passes_is_a_failure():
    """One failing row makes the criterion fail."""
    file = ResultFile(config())
    report(file, PASS)
    report(file, [PASS[0], ("call", "failed")], replace(RECORD, fault="other"), "other")

    result = file.result(FAILED)

    assert result.run.exit == 1
    assert result.criteria[2] == _criterion("REG-003", "fail", faults=2, scenarios=2)


def test_one_error_makes_run_unknown():
    """An error of the harness may hide any failure."""
    file = ResultFile(config())
    report(file, [PASS[0], ("call", "failed")])
    report(file, [("setup", "failed")], test="other")

    assert file.result(FAILED).run.exit == 2


@pytest.mark.parametrize("exitstatus", [OK, NONE], ids=["ok", "none collected"])
def test_run_without_test_is_unknown(exitstatus):
    """A run without a test is never a pass."""
    result = ResultFile(config()).result(exitstatus)

    assert result.run.exit == 2
    assert {one.outcome for one in result.criteria} == {"not-checked"}
    assert summary(result) == ["  unknown  nothing was judged"]
    validate(result)


def test_early_failure_is_recorded():
    """Fields that were not reached are null."""
    result = _result([("setup", "failed")], BLANK, FAILED)

    (scenario,) = validate(result)["scenarios"]
    assert (scenario["status"], scenario["detected"], scenario["pull"]) == ("error", None, None)
    assert set(scenario["seconds"].values()) == {None}


def test_criterion_without_scenario_fails():
    """A criterion without a scenario does not pass."""
    passed = _criterion("REG-003", "pass", faults=1, scenarios=1)

    assert _result().criteria == tuple(
        passed if reg == "REG-003" else _criterion(reg) for reg in CRITERIA
    )


@pytest.mark.parametrize(
    ("optional", "phases", "code"),
    [
        (frozenset(), [PASS[0], ("call", "failed"), PASS[2]], 1),
        (frozenset({"REG-008"}), [PASS[0], ("call", "failed"), PASS[2]], 0),
        (frozenset({"REG-003"}), [PASS[0], ("call", "failed"), PASS[2]], 1),
        (frozenset({"REG-008"}), [("setup", "failed"), PASS[2]], 2),
    ],
    ids=["required", "optional", "another is optional", "broken down"],
)
def test_optional_criterion_is_only_shown(optional, phases, code):
    """A failing optional criterion is shown only, but an unknown one still counts."""
    file = ResultFile(config(keyword="least"), optional)
    report(file, PASS)
    report(file, phases, replace(RECORD, criterion="REG-008"), "least")

    result = file.result(FAILED)

    assert result.run.exit == code
    (shown,) = (criterion for criterion in result.criteria if criterion.id == "REG-008")
    assert shown.outcome == ("fail" if code < 2 else "unknown")
    assert shown.required is ("REG-008" not in optional)
    validate(result)


def test_run_without_every_fault_is_unknown():
    """A row that was not collected is not a row that passed."""
    result = _result(keyword="")

    assert result.run.exit == 2
    assert "not-wired was not run" in result.missing
    assert "REG-003 was put to 1 faults of its own, not to three" in result.missing
    validate(result)


def test_complete_run_of_every_fault_holds(monkeypatch):
    """A complete run passes with three faults of each criterion."""
    monkeypatch.setattr(result_module, "CRITERIA", {"REG-003": None})
    ids = ["secret-missing", "token-revoked", "token-without-scope"]
    own = [fault for fault in FAULTS if fault.id in ids]
    monkeypatch.setattr(result_module, "FAULTS", own)
    monkeypatch.setattr(result_module, "HARNESS_FAULTS", ())
    file = ResultFile(config(keyword=""))
    for fault in own:
        report(file, PASS, replace(RECORD, fault=fault.id), fault.id)

    result = file.result(OK)

    assert (result.missing, result.run.exit) == ((), 0)


@pytest.mark.parametrize(
    "record",
    [
        {"detected": ("REG-006",)},
        {"detected": ("REG-001", "REG-003", "REG-006")},
        {"cause": CauseRecord("secret.missing", "unknown")},
        {"after": ("REG-006",)},
    ],
    ids=["undetected", "unexpected failure", "misdiagnosed", "not remediated"],
)
def test_any_mismatch_fails_the_run(record):
    """A mismatch fails the run, even if the test itself passed."""
    result = _result(record=replace(RECORD, **record), keyword="secret")

    assert result.run.exit == 1
    validate(result)


def test_passed_external_row_is_not_recovered():
    """Nothing was remediated; the outage ended on its own."""
    cause = "external.rate-limited"
    record = replace(RECORD, cause=CauseRecord(cause, cause))

    result = _result(record=record, keyword="secret")

    assert result.scenarios[0].status == "external"
    assert result.figures == {}
    validate(result)


def test_control_is_no_scenario():
    """A row that a control did not remediate is neither recovered nor a fault's row."""
    record = ControlRecord("nothing-for-wire", "no-op", "not-recovered")

    result = _result(record=record, keyword="secret")

    assert (result.scenarios, result.detection_matrix) == ((), {})
    assert result.controls == (replace(record, as_expected=True),)
    validate(result)


@pytest.mark.parametrize(
    ("options", "selection"),
    [
        ({"keyword": ""}, "all"),
        ({}, "partial"),
        ({"keyword": "", "markexpr": "scenarios"}, "partial"),
        ({"keyword": "", "smoke": True}, "partial"),
        ({"keyword": "", "disable_remediation": ["wire"]}, "partial"),
        ({"keyword": "", "deselect": ["acceptance/test_reg_003_pull_secret.py"]}, "partial"),
        ({"keyword": "", "ignore": ["acceptance/test_reg_003_pull_secret.py"]}, "partial"),
        ({"keyword": "", "ignore_glob": ["*003*"]}, "partial"),
    ],
    ids=[
        "all",
        "-k",
        "-m",
        "--smoke",
        "--disable-remediation",
        "--deselect",
        "--ignore",
        "--ignore-glob",
    ],
)
def test_selection_is_partial(options, selection):
    """The workers of xdist select tests, so this process only sees the options."""
    assert _result(**options).run.selection == selection


@pytest.mark.parametrize(("deselected", "selection"), [([TEST], "partial"), ([], "all")])
def test_deselected_row_makes_the_run_partial(deselected, selection):
    """A deselected row makes the run partial; an empty report of deselection does not."""
    file = ResultFile(config(keyword=""))
    file.pytest_deselected(deselected)

    assert file.result(OK).run.selection == selection


def test_file_is_written_without_secrets(tmp_path):
    """The file's directory is created, and secrets are redacted."""
    token, auth = "ghp_" + "S3nt1nel" * 4, "Qnl0ZVF1ZXN0ZXI6czNudDFuM2w="
    message = f'{token} {{"auth": "{auth}"}}'
    file = ResultFile(config(tmp_path / "new" / "result.json"))
    report(file, PASS, replace(RECORD, symptom=replace(RECORD.symptom, message=message)))

    file.pytest_sessionfinish(OK)

    text = file.path.read_text()
    assert token not in text
    assert auth not in text
    assert "[redacted]" in read_result(file.path).scenarios[0].symptom.message


def test_harness_own_tests_write_no_result(pytestconfig):
    """Unit tests would overwrite the last acceptance run's result, and look like a pass."""
    assert not pytestconfig.pluginmanager.has_plugin("pull-recovery-result")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("more",), 1),
        (("run", "more"), 1),
        (("run", "exit"), 3),
        (("run", "selection"), None),
        (("schema",), 1),
        (("scenarios", 0, "status"), "passed"),
        (("scenarios", 0, "criterion"), "REG-9"),
        (("scenarios", 0, "wiring"), "by hand"),
        (("leaks",), None),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else repr(value),
)
def test_schema_refuses_what_is_not_described(place, value):
    """The schema rejects fields and values that it does not describe."""
    document = validate(_result())
    *parents, last = place
    node = document
    for parent in parents:
        node = node[parent]
    node[last] = value

    with pytest.raises(ValidationError):
        Draft202012Validator(SCHEMA).validate(document)
    with pytest.raises(PydanticError):
        from_json(Result, json.dumps(document))


STEPS = (
    StoryStep(
        task="REG-004 wire it",
        done=("set imagePullSecrets in values.yaml",),
        still_failing={"frontend": {"REG-006": ("cluster.release-stale",)}, "backend": {}},
    ),
)


@pytest.mark.parametrize(
    ("outcome", "status", "code"), [("passed", "recovered", 0), ("failed", "not-recovered", 1)]
)
def test_story_alone_is_a_result_too(outcome, status, code):
    """`make demo` runs the story only, which is no row of the matrix."""
    file = ResultFile(config(keyword="recovery_story"))
    for when, each in (("setup", "passed"), ("call", outcome), ("teardown", "passed")):
        phase = pytest.TestReport("story", ("", 0, ""), {}, each, None, when)
        phase.story = to_json(STEPS)
        file.pytest_runtest_logreport(phase)

    result = file.result(OK if outcome == "passed" else FAILED)

    validate(result)
    assert result.stories == (StoryRecord("story", status, STEPS),)
    assert (result.run.exit, result.scenarios) == (code, ())


def _whole_run(without=()):
    """Return a complete run: every fault, and every fault against the harness."""
    file = ResultFile(config(keyword=""))
    for fault in FAULTS:
        if fault.id not in without:
            report(file, PASS, _record_of(fault), fault.id)
    for fault in HARNESS_FAULTS:
        if fault.id not in without:
            _report_harness_fault(file, fault)
    return file.result(OK)


def _record_of(fault):
    criteria = tuple(sorted(fault.must_fail))
    return replace(
        RECORD,
        criterion=fault.reg,
        fault=fault.id,
        expected_failures=criteria,
        detected=criteria,
        cause=CauseRecord(fault.cause, fault.cause),
    )


def _report_harness_fault(file, fault):
    phase = pytest.TestReport(fault.id, ("", 0, ""), {}, "passed", None, "call")
    error = f"an error: {fault.guard}"
    guard = GuardRecord(fault.id, fault.false_pass, fault.guard.value, error)
    phase.guard = to_json(guard)
    file.pytest_runtest_logreport(phase)


@pytest.mark.parametrize("missing", ["not-wired", "V8"], ids=["a fault", "one of the harness"])
def test_run_without_control_is_unknown(missing):
    """A run without one of the controls proves less than a complete run."""
    result = _whole_run(without=[missing])

    assert result.run.exit == 2
    assert f"{missing} was not run" in result.missing
    validate(result)


def test_run_without_argocd_is_partial():
    """A run without Argo CD needs none of its rows, but is partial."""
    result = ResultFile(config(keyword="", no_argocd=True)).result(OK)

    assert (result.run.selection, result.missing) == ("partial", ())


def test_target_without_application_needs_no_argocd():
    """For a target without an Application, a run of all else is complete."""
    result = ResultFile(config(keyword=""), argocd=False).result(OK)

    assert result.run.selection == "all"
    assert "not-wired was not run" in result.missing
    assert "secret-pruned was not run" not in result.missing


@pytest.mark.parametrize(
    ("phases", "exitstatus", "code"),
    [(PASS, OK, 0), ([PASS[0], ("call", "failed"), PASS[2]], FAILED, 1)],
    ids=["passed", "failed"],
)
def test_selection_keeps_test_exit_code(phases, exitstatus, code):
    """Tests of the runbook or the gate judge no criterion, and the summary says so."""
    result = _result(phases, record=None, exitstatus=exitstatus)

    assert result.run.exit == code
    assert (result.run.unknowns, result.scenarios) == ((), ())
    assert "  no criterion was judged: no test of the selection has a scenario" in summary(result)
    validate(result)


def test_run_without_scenario_is_unknown():
    """No scenario was selected, so every fault is missing."""
    result = _result(PASS, record=None, keyword="")

    assert result.run.exit == 2
    assert "not-wired was not run" in result.missing


def test_scenario_is_judged_without_remark():
    """The summary's remark is only for a selection without scenarios."""
    assert not [line for line in summary(_result()) if "no criterion was judged" in line]


def test_skipped_test_is_named():
    """A skipped test is no pass, and the summary names it."""
    result = _result([("setup", "skipped"), PASS[2]])

    assert result.run.unknowns == (f"{Guard.NO_SKIPS}: {TEST}",)
    validate(result)
