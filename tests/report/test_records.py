"""Check that records cross as JSON text, and which files are rejected."""

import json
import warnings
from dataclasses import replace

import pytest

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.model.verdict import Cause
from pullrecovery.report.records import (
    CauseRecord,
    ScenarioRecord,
    StoryStep,
    WorkflowRunRecord,
    from_json,
    read_result,
    to_json,
    write_result,
)
from pullrecovery.report.result import ResultFile
from tests.fakes.reported import BLANK, OK, PASS, RECORD, config, report

RUN = WorkflowRunRecord("push", "c6cd88e", "the run succeeded", ("docker/login",), "", "", ("log",))


@pytest.mark.parametrize(
    "record",
    [RECORD, BLANK, replace(RECORD, run=RUN, diff=("-a", "+b"))],
    ids=["recovered", "blank", "with a workflow run"],
)
def test_scenario_crosses_as_text(record):
    """What a worker writes is what the controlling process reads."""
    assert from_json(ScenarioRecord, to_json(record)) == record


def test_enum_crosses_without_warning():
    """Causes and outcomes of fixtures are members of enums, which are strings."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = to_json(replace(RECORD, cause=CauseRecord(Cause.DNS, Cause.DNS)))

    assert from_json(ScenarioRecord, text).cause == CauseRecord("external.dns", "external.dns")


def test_step_is_called_break():
    """The keyword of Python is a key of the document."""
    assert json.loads(to_json(RECORD))["seconds"]["break"] == 0.28


def test_steps_cross_as_one_text():
    """A story's steps are a tuple of records."""
    steps = (StoryStep("REG-004", (), {"frontend": {"REG-006": ("secret.missing",)}}),) * 2

    assert from_json(tuple[StoryStep, ...], to_json(steps)) == steps


def test_result_is_read_as_written(tmp_path):
    """The file has every field."""
    file = ResultFile(config(tmp_path / "result.json"))
    report(file, PASS)
    result = file.result(OK)

    write_result(file.path, result)

    assert read_result(file.path) == result


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"schema": 1, "run": {}}', "schema: "),
        ("{", "the document: "),
    ],
    ids=["schema 1", "cut short"],
)
def test_other_document_is_rejected(tmp_path, text, named):
    """The error names the file and the first key that is wrong."""
    file = tmp_path / "result.json"
    file.write_text(text)

    with pytest.raises(PullRecoveryError) as error:
        read_result(file)

    assert f"{file} is no result.json of schema 2: " in str(error.value)
    assert named in str(error.value)
