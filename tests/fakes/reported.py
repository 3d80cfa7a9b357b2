"""A run as pytest reports it, and the expected result."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from jsonschema import Draft202012Validator

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.report.records import (
    CauseRecord,
    ControlRecord,
    PullRecord,
    ScenarioRecord,
    SecondsRecord,
    SymptomRecord,
    to_json,
)

SCHEMA = json.loads((SUITE_ROOT / "docs" / "result.schema.json").read_text())
TEST = "acceptance/test_reg_003_pull_secret.py::test_bad_pull_secret_recovers[secret-missing]"

OK, FAILED, INTERRUPTED, INTERNAL, USAGE, NONE = range(6)
PASS = [("setup", "passed"), ("call", "passed"), ("teardown", "passed")]

RECORD = ScenarioRecord(
    id="secret-missing-backend-backend-dev-values",
    criterion="REG-003",
    fault="secret-missing",
    release="backend",
    workload="backend",
    kind="Deployment",
    namespace="backend-dev-9b056f",
    wiring="values",
    deploy="helm",
    expected_failures=("REG-003", "REG-006"),
    cause=CauseRecord("secret.missing", "secret.missing"),
    detected=("REG-003", "REG-006"),
    after=(),
    symptom=SymptomRecord("pod", "ErrImagePull", "401 Unauthorized"),
    seconds=SecondsRecord(0.28, 0.65, 0.18, 0.4, 0.83),
    pull=PullRecord(
        "ByteQuester",
        "sha256:d4fad550499f8acb977309e23a9807d5e3c4d4462dde170ed74133380dbba40f",
        "2026-11-24T03:20:49.506797+00:00",
    ),
)
# The state during set-up of the sandbox, before anything is broken.
BLANK = replace(
    RECORD,
    cause=CauseRecord("secret.missing"),
    detected=None,
    after=None,
    symptom=None,
    seconds=SecondsRecord(),
    pull=None,
)


def config(path="result.json", **options):
    """Return the part of pytest's configuration that a result depends on.

    By default the run selected a row, because every criterion has rows in a whole run.
    """
    known = {
        "result_json": str(path),
        "target": "sample",
        "smoke": False,
        "no_cluster": False,
        "keyword": "secret-missing",
        "markexpr": "",
        "deselect": None,
        "ignore": None,
        "ignore_glob": None,
        "disable_remediation": [],
        "no_argocd": False,
        **options,
    }
    return SimpleNamespace(option=SimpleNamespace(**known), getoption=known.__getitem__)


def report(result, phases, record=RECORD, test=TEST):
    """Report the phases of one test, each with the record as xdist carries it."""
    for when, outcome in phases:
        phase = pytest.TestReport(test, ("", 0, ""), {}, outcome, None, when)
        if record:
            kind = "control" if isinstance(record, ControlRecord) else "scenario"
            setattr(phase, kind, to_json(record))
        result.pytest_runtest_logreport(phase)


def validate(result):
    """Return the JSON document of a result; raises ValidationError unless it fits the schema."""
    document = json.loads(to_json(result))
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(document)
    return document
