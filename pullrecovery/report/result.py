"""Collects the records of a pytest run and writes .reports/result.json.

Its shape is docs/result.schema.json.
"""

import json
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pullrecovery import __version__
from pullrecovery.errors import Exit
from pullrecovery.redaction import redact
from pullrecovery.tasks import CRITERIA

SCHEMA = 1
_SELECTIONS = (
    "keyword",
    "markexpr",
    "deselect",
    "ignore",
    "ignore_glob",
    "smoke",
    "without_remedy",
)
_STATUS = {"passed": "recovered", "failed": "not_recovered"}


class ResultFile:
    """A pytest plugin of the controlling process; it fails closed: no record is no pass."""

    def __init__(self, config: pytest.Config) -> None:
        self.path = Path(config.getoption("result_json"))
        self.versions: dict[str, str] = {"pullrecovery": __version__}
        self._target = str(config.getoption("target"))
        self._started, self._clock = datetime.now(UTC), time.monotonic()
        # Under xdist the workers select: the options are all that this process sees of it.
        self._partial = any(config.getoption(name) for name in _SELECTIONS)
        self._outcomes: dict[str, str] = {}
        self._scenarios: dict[str, dict[str, Any]] = {}

    def pytest_deselected(self) -> None:
        self._partial = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The worst phase decides; an error of setup or teardown is the harness's own."""
        test = report.nodeid
        if report.when != "call" and report.failed:
            self._outcomes[test] = "error"
        elif report.when == "call" or report.skipped:
            broke_down = report.skipped or hasattr(report, "cannot_tell")
            outcome = "error" if broke_down else report.outcome
            self._outcomes.setdefault(test, outcome)
        if hasattr(report, "scenario"):
            self._scenarios[test] = json.loads(report.scenario)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        result = self.result(exitstatus)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(redact(json.dumps(result, indent=2)) + "\n")

    def result(self, exitstatus: int) -> dict[str, Any]:
        """The document, as docs/result.schema.json describes it."""
        scenarios = [self._scenario(test) for test in sorted(self._scenarios)]
        return {
            "schema": SCHEMA,
            "run": {
                "id": uuid.uuid4().hex,
                "started": self._started.isoformat(),
                "seconds": round(time.monotonic() - self._clock, 1),
                "world": "lab",
                "target": self._target,
                "versions": self.versions,
                "exit": int(self._exit(exitstatus)),
                "partial": self._partial,
            },
            "criteria": [_criterion(reg, scenarios) for reg in CRITERIA],
            "scenarios": scenarios,
            "kill_matrix": _kill_matrix(scenarios),
            "harness_faults": [],
            "leaks": [],
        }

    def _scenario(self, test: str) -> dict[str, Any]:
        outcome = self._outcomes.get(test, "error")
        return {**self._scenarios[test], "status": _STATUS.get(outcome, "error")}

    def _exit(self, exitstatus: int) -> Exit:
        if exitstatus == pytest.ExitCode.USAGE_ERROR:
            return Exit.USAGE
        outcomes = set(self._outcomes.values())
        known = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if exitstatus not in known or "error" in outcomes or not self._scenarios:
            return Exit.CANNOT_TELL
        return Exit.HOLDS if outcomes == {"passed"} else Exit.DOES_NOT_HOLD


def _criterion(reg: str, scenarios: list[dict[str, Any]]) -> dict[str, Any]:
    own = [scenario for scenario in scenarios if scenario["reg"] == reg]
    recovered = bool(own) and all(scenario["status"] == "recovered" for scenario in own)
    faults = {scenario["fault"] for scenario in own}
    return {"id": reg, "holds": recovered, "faults": len(faults), "scenarios": len(own)}


def _kill_matrix(scenarios: list[dict[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Fault → what it must fail, and what it failed in any scenario."""
    matrix: dict[str, dict[str, list[str]]] = {}
    for scenario in scenarios:
        row = matrix.setdefault(
            scenario["fault"], {"must_fail": scenario["must_fail"], "killed": []}
        )
        row["killed"] = sorted({*row["killed"], *scenario.get("killed", ())})
    return matrix
