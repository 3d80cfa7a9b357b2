"""A run as pytest reports it, and the expected result."""

import json
from types import SimpleNamespace

import pytest
from jsonschema import Draft202012Validator

from pullrecovery.common.suite_files import SUITE_ROOT

SCHEMA = json.loads((SUITE_ROOT / "docs" / "result.schema.json").read_text())
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
# The state during set-up of the sandbox, before anything is broken.
BLANK = {
    key: RECORD[key]
    for key in ("id", "reg", "fault", "workload", "namespace", "wiring", "deploy", "must_fail")
} | {"seconds": {}}


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
            phase.scenario = json.dumps(record)
        result.pytest_runtest_logreport(phase)


def validate(result):
    """Raise ValidationError unless the result is as docs/result.schema.json describes it."""
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(result)
