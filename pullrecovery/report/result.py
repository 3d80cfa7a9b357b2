"""Collect the records of a pytest run and write .reports/result.json.

docs/result.schema.json describes the document.
"""

import json
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pullrecovery.common.errors import Exit
from pullrecovery.common.false_pass_guards import Guard
from pullrecovery.common.redaction import redact
from pullrecovery.common.suite_version import suite_version
from pullrecovery.deploy.helm import Helm
from pullrecovery.faults import FAULTS
from pullrecovery.faults.harness import HARNESS_FAULTS
from pullrecovery.report.detection_matrix import all_mismatches, detection_matrix
from pullrecovery.report.figures import figures, is_external
from pullrecovery.report.side_by_side import side_by_side
from pullrecovery.tasks import CRITERIA
from pullrecovery.tasks.order import AFTER

SCHEMA = 1
_SELECTIONS = (
    "keyword",
    "markexpr",
    "deselect",
    "ignore",
    "ignore_glob",
    "smoke",
    "no_cluster",
    "no_argocd",
    "disable_remediation",
)
_STATUS = {"passed": "recovered", "failed": "not_recovered"}
# With fewer faults, a criterion could detect each of them by chance.
_FAULTS_OF_A_CRITERION = 3


class ResultFile:
    """A plugin of pytest's controlling process that writes result.json; no record means no pass.

    `optional` criteria are judged and shown, and do not fail the run. If the target has no
    Application (`argocd` is False), the faults that only Argo CD can cause are not required.
    """

    def __init__(
        self,
        config: pytest.Config,
        optional: frozenset[str] = frozenset(),
        *,
        argocd: bool = True,
    ) -> None:
        self._optional = optional
        self.path = Path(config.getoption("result_json"))
        self.versions: dict[str, str] = {"pullrecovery": suite_version()}
        self._target = str(config.getoption("target"))
        self._started, self._clock = datetime.now(UTC), time.monotonic()
        # Under xdist the workers select the tests: this process sees only the options.
        self._partial = any(config.getoption(name) for name in _SELECTIONS)
        self._argocd = argocd
        self._outcomes: dict[str, str] = {}
        self._scenarios: dict[str, dict[str, Any]] = {}
        self._stories: dict[str, list[dict[str, Any]]] = {}
        self._harness_faults: dict[str, dict[str, str]] = {}
        self._skipped: list[str] = []

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        # pytest also calls this with an empty list.
        self._partial = self._partial or bool(items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a test's outcome; the worst phase decides.

        A failure in setup or teardown is an error of the harness.
        """
        test = report.nodeid
        if report.when != "call" and report.failed:
            self._outcomes[test] = "error"
        elif report.when == "call" or report.skipped:
            broke_down = report.skipped or hasattr(report, "cannot_tell")
            outcome = "error" if broke_down else report.outcome
            self._outcomes.setdefault(test, outcome)
        if report.skipped:
            self._skipped.append(test)
        if hasattr(report, "harness_fault"):
            fault = json.loads(report.harness_fault)
            self._harness_faults[fault["id"]] = fault
        if hasattr(report, "scenario"):
            self._scenarios[test] = json.loads(report.scenario)
        if hasattr(report, "story"):
            self._stories[test] = json.loads(report.story)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        result = self.result(exitstatus)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(redact(json.dumps(result, indent=2)) + "\n")

    def result(self, exitstatus: int) -> dict[str, Any]:
        """Return the document that docs/result.schema.json describes."""
        tests = [self._scenario(test) for test in sorted(self._scenarios)]
        scenarios = [test for test in tests if "control" not in test]
        matrix, missing = detection_matrix(scenarios), self._missing(scenarios)
        return {
            "schema": SCHEMA,
            "run": {
                "id": uuid.uuid4().hex,
                "started": self._started.isoformat(),
                "seconds": round(time.monotonic() - self._clock, 1),
                "world": "lab",
                "target": self._target,
                "versions": self.versions,
                "exit": int(self._exit(exitstatus, scenarios, missing)),
                "doubts": self._doubts(),
                "partial": self._partial,
            },
            "criteria": [self._criterion(reg, scenarios) for reg in CRITERIA],
            "missing": missing,
            "scenarios": scenarios,
            "stories": [self._story(test) for test in sorted(self._stories)],
            "controls": [_control(test) for test in tests if "control" in test],
            "kill_matrix": matrix,
            "figures": figures(scenarios),
            "deployers": side_by_side(scenarios),
            "harness_faults": [
                self._harness_faults[harness_fault]
                for harness_fault in sorted(self._harness_faults)
            ],
            "leaks": [],
        }

    def _scenario(self, test: str) -> dict[str, Any]:
        record, outcome = self._scenarios[test], self._outcomes.get(test, "error")
        status = _STATUS.get(outcome, "error")
        # No remediation ran, so the release did not recover: the external cause passed on its own.
        external = status == "recovered" and is_external(record)
        return {**record, "status": "external" if external else status}

    def _story(self, test: str) -> dict[str, Any]:
        outcome = self._outcomes.get(test, "error")
        steps = self._stories[test]
        return {"id": test, "status": _STATUS.get(outcome, "error"), "steps": steps}

    def _missing(self, scenarios: list[dict[str, Any]]) -> list[str]:
        """Return what this run misses of a complete run; a selection misses nothing."""
        if self._partial:
            return []
        played = {scenario["fault"] for scenario in scenarios} | self._harness_faults.keys()
        faults = [fault for fault in FAULTS if self._argocd or fault.features <= Helm.features]
        declared = [
            *(fault.id for fault in faults),
            *(harness_fault.id for harness_fault in HARNESS_FAULTS),
        ]
        missing = [f"{fault} was not run" for fault in declared if fault not in played]
        for reg in CRITERIA:
            own = {scenario["fault"] for scenario in scenarios if scenario["reg"] == reg}
            if len(own) < _FAULTS_OF_A_CRITERION:
                missing.append(f"{reg} was put to {len(own)} {Guard.EVERY_CRITERION}")
        return missing

    def _doubts(self) -> list[str]:
        """Return why this run judges nothing, in the text of its guards.

        A selection may have no scenario: its tests judge no criterion, but they must have run.
        """
        nothing = [] if self._outcomes else [Guard.SOMETHING_JUDGED.value]
        return [*(f"{Guard.NO_SKIPS}: {test}" for test in self._skipped), *nothing]

    def _exit(self, exitstatus: int, scenarios: list[dict[str, Any]], missing: list[str]) -> Exit:
        if exitstatus == pytest.ExitCode.USAGE_ERROR:
            return Exit.USAGE
        outcomes = {each for test, each in self._outcomes.items() if not self._ignores(test, each)}
        known = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if exitstatus not in known or "error" in outcomes or self._doubts():
            return Exit.UNKNOWN
        required = [scenario for scenario in scenarios if scenario["reg"] not in self._optional]
        if not outcomes <= {"passed"} or all_mismatches(detection_matrix(required)):
            return Exit.FAIL
        return Exit.UNKNOWN if missing else Exit.PASS

    def _ignores(self, test: str, outcome: str) -> bool:
        """Return whether `outcome` is the failure of an optional criterion; an error never is."""
        reg = self._scenarios.get(test, {}).get("reg")
        return outcome == "failed" and reg in self._optional

    def _criterion(self, reg: str, scenarios: list[dict[str, Any]]) -> dict[str, Any]:
        own = [scenario for scenario in scenarios if scenario["reg"] == reg]
        good = ("recovered", "external")
        return {
            "id": reg,
            "after": list(AFTER.get(reg, ())),
            "holds": bool(own) and all(each["status"] in good for each in own),
            "required": reg not in self._optional,
            "faults": len({each["fault"] for each in own}),
            "scenarios": len(own),
        }


def _control(test: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a healthy control or of a no-op remediation control."""
    return {
        "id": test["id"],
        "kind": test["control"],
        "ended": test.get("ended", "error"),
        "as_expected": test["status"] == "recovered",
    }
