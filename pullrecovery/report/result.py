"""Collect the records of a pytest run and write .reports/result.json.

docs/result.schema.json describes the document.
"""

import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import pytest

from pullrecovery.common.errors import Exit
from pullrecovery.common.false_pass_guards import Guard
from pullrecovery.common.git_commit import head_commit
from pullrecovery.common.suite_version import suite_commit, suite_version
from pullrecovery.deploy.helm import Helm
from pullrecovery.faults import FAULTS
from pullrecovery.faults.harness import HARNESS_FAULTS
from pullrecovery.report.detection_matrix import all_mismatches, detection_matrix
from pullrecovery.report.figures import figures, is_external
from pullrecovery.report.records import (
    ControlRecord,
    CriterionOutcome,
    CriterionRecord,
    GuardRecord,
    Result,
    RunRecord,
    ScenarioRecord,
    StoryRecord,
    StoryStep,
    from_json,
    write_result,
)
from pullrecovery.report.side_by_side import side_by_side
from pullrecovery.tasks import CRITERIA
from pullrecovery.tasks.order import AFTER

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
_STATUS: Final[dict[str, Literal["recovered", "not-recovered"]]] = {
    "passed": "recovered",
    "failed": "not-recovered",
}
# With fewer faults, a criterion could detect each of them by chance.
_FAULTS_OF_A_CRITERION = 3


class ResultFile:
    """A plugin of pytest's controlling process that writes result.json; no record means no pass.

    `optional` criteria are judged and shown, and do not fail the run. If the target has no
    Application (`argocd` is False), the faults that only Argo CD can cause are not required.
    `applicable` are the criteria that apply to the target.
    """

    def __init__(
        self,
        config: pytest.Config,
        optional: frozenset[str] = frozenset(),
        *,
        argocd: bool = True,
        applicable: Collection[str] = CRITERIA.keys(),
    ) -> None:
        self._optional = optional
        self._applicable = applicable
        self.path = Path(config.getoption("result_json"))
        self.versions: dict[str, str] = {}
        self._target = str(config.getoption("target"))
        self._started, self._clock = datetime.now(UTC), time.monotonic()
        # Under xdist the workers select the tests: this process sees only the options.
        self._partial = any(config.getoption(name) for name in _SELECTIONS)
        self._argocd = argocd
        self._outcomes: dict[str, str] = {}
        self._scenarios: dict[str, ScenarioRecord] = {}
        self._controls: dict[str, ControlRecord] = {}
        self._criterion_of: dict[str, str | None] = {}
        self._stories: dict[str, tuple[StoryStep, ...]] = {}
        self._guards: dict[str, GuardRecord] = {}
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
            broke_down = report.skipped or hasattr(report, "unknown")
            outcome = "error" if broke_down else report.outcome
            self._outcomes.setdefault(test, outcome)
        if report.skipped:
            self._skipped.append(test)
        self._keep(test, report)

    def _keep(self, test: str, report: pytest.TestReport) -> None:
        """Keep the records that the fixtures attached to a report as text."""
        if hasattr(report, "guard"):
            guard = from_json(GuardRecord, report.guard)
            self._guards[guard.id] = guard
        if hasattr(report, "control"):
            self._controls[test] = from_json(ControlRecord, report.control)
        if hasattr(report, "scenario"):
            record = from_json(ScenarioRecord, report.scenario)
            self._criterion_of[test] = record.criterion
            # A control does not recover, or was never broken, and is no scenario.
            if test not in self._controls:
                self._scenarios[test] = record
        if hasattr(report, "story"):
            self._stories[test] = from_json(tuple[StoryStep, ...], report.story)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        write_result(self.path, self.result(exitstatus))

    def result(self, exitstatus: int) -> Result:
        """Return what result.json has."""
        scenarios = tuple(self._scenario(test) for test in sorted(self._scenarios))
        missing = tuple(self._missing(scenarios))
        return Result(
            run=self._run(self._exit(exitstatus, scenarios, missing), scenarios),
            criteria=tuple(self._criterion(reg, scenarios) for reg in CRITERIA),
            missing=missing,
            scenarios=scenarios,
            stories=tuple(self._story(test) for test in sorted(self._stories)),
            controls=tuple(self._control(test) for test in sorted(self._controls)),
            false_pass_guards=tuple(self._guards[guard] for guard in sorted(self._guards)),
            detection_matrix=detection_matrix(scenarios),
            figures=figures(scenarios),
            side_by_side=side_by_side(scenarios),
        )

    def _run(self, code: Exit, scenarios: Sequence[ScenarioRecord]) -> RunRecord:
        runs = [scenario.run for scenario in scenarios if scenario.run]
        return RunRecord(
            id=uuid.uuid4().hex,
            started=self._started.isoformat(),
            seconds=round(time.monotonic() - self._clock, 1),
            world="lab",
            target=self._target,
            target_commit=head_commit(Path(self._target) / "target.yaml"),
            suite_version=suite_version(),
            suite_commit=suite_commit(),
            versions=self.versions,
            selection="partial" if self._partial else "all",
            exit=code.value,
            stubs=tuple(sorted({stub for run in runs for stub in run.stubs})),
            unknowns=tuple(self._unknowns()),
        )

    def _status(self, test: str) -> Literal["recovered", "not-recovered", "error"]:
        return _STATUS.get(self._outcomes.get(test, "error"), "error")

    def _scenario(self, test: str) -> ScenarioRecord:
        record, status = self._scenarios[test], self._status(test)
        # No remediation ran, so the release did not recover: the external cause passed on its own.
        external = status == "recovered" and is_external(record)
        return replace(record, status="external" if external else status)

    def _control(self, test: str) -> ControlRecord:
        return replace(self._controls[test], as_expected=self._status(test) == "recovered")

    def _story(self, test: str) -> StoryRecord:
        return StoryRecord(test, self._status(test), self._stories[test])

    def _missing(self, scenarios: Sequence[ScenarioRecord]) -> Iterator[str]:
        """Yield what this run misses of a complete run; a selection misses nothing."""
        if self._partial:
            return
        played = {scenario.fault for scenario in scenarios} | self._guards.keys()
        faults = [fault for fault in FAULTS if self._argocd or fault.features <= Helm.features]
        declared = [*(fault.id for fault in faults), *(fault.id for fault in HARNESS_FAULTS)]
        yield from (f"{fault} was not run" for fault in declared if fault not in played)
        for reg in CRITERIA:
            own = {scenario.fault for scenario in scenarios if scenario.criterion == reg}
            if len(own) < _FAULTS_OF_A_CRITERION:
                yield f"{reg} was put to {len(own)} {Guard.EVERY_CRITERION}"

    def _unknowns(self) -> list[str]:
        """Return why this run judges nothing, in the text of its guards.

        A selection may have no scenario: its tests judge no criterion, but they must have run.
        """
        nothing = [] if self._outcomes else [Guard.SOMETHING_JUDGED.value]
        return [*(f"{Guard.NO_SKIPS}: {test}" for test in self._skipped), *nothing]

    def _exit(
        self, exitstatus: int, scenarios: Sequence[ScenarioRecord], missing: Sequence[str]
    ) -> Exit:
        if exitstatus == pytest.ExitCode.USAGE_ERROR:
            return Exit.USAGE
        outcomes = {
            outcome for test, outcome in self._outcomes.items() if not self._ignores(test, outcome)
        }
        known = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if exitstatus not in known or "error" in outcomes or self._unknowns():
            return Exit.UNKNOWN
        required = [one for one in scenarios if one.criterion not in self._optional]
        if not outcomes <= {"passed"} or all_mismatches(detection_matrix(required)):
            return Exit.FAIL
        return Exit.UNKNOWN if missing else Exit.PASS

    def _ignores(self, test: str, outcome: str) -> bool:
        """Return whether `outcome` is the failure of an optional criterion; an error never is."""
        return outcome == "failed" and self._criterion_of.get(test) in self._optional

    def _criterion(self, reg: str, scenarios: Sequence[ScenarioRecord]) -> CriterionRecord:
        own = [scenario for scenario in scenarios if scenario.criterion == reg]
        return CriterionRecord(
            id=reg,
            outcome=self._outcome(reg, {scenario.status for scenario in own}),
            required=reg not in self._optional,
            after=AFTER.get(reg, ()),
            faults=len({scenario.fault for scenario in own}),
            scenarios=len(own),
        )

    def _outcome(self, reg: str, statuses: Collection[str]) -> CriterionOutcome:
        """Return the outcome of a criterion whose scenarios, or releases, ended like that."""
        if reg not in self._applicable or set(statuses) == {"not-applicable"}:
            return "not-applicable"
        if not statuses:
            return "not-checked"
        if {"not-recovered", "fail"} & set(statuses):
            return "fail"
        return "unknown" if {"error", "unknown"} & set(statuses) else "pass"
