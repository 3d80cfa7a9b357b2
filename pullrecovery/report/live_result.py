"""The result.json of a live run: verdicts only, because it runs no fault and no remediation."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import pytest

from pullrecovery.common.false_pass_guards import Guard
from pullrecovery.report.records import (
    CriterionRecord,
    Result,
    ScenarioRecord,
    VerdictRecord,
    from_json,
)
from pullrecovery.report.result import ResultFile
from pullrecovery.tasks import CRITERIA

_NOTES = (
    "no fault was run and no remediation: each criterion was judged once",
    "REG-001: the suite's own client asked the registry; docker and crane were not run",
    "REG-006: there is no registry log; of a pull, the event, the imageID and the time were seen",
)


# Maximum characters of a test's error.
_SHOWN = 300


class LiveResultFile(ResultFile):
    """The ResultFile plugin for a live run; `expected` are the case ids of a complete run."""

    def __init__(
        self,
        config: pytest.Config,
        optional: frozenset[str] = frozenset(),
        expected: tuple[str, ...] = (),
        *,
        applicable: Collection[str] = CRITERIA.keys(),
    ) -> None:
        super().__init__(config, optional, applicable=applicable)
        self._expected = expected
        self._context = str(config.getoption("context"))
        self._verdicts: dict[str, VerdictRecord] = {}
        self._broke_down: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        super().pytest_runtest_logreport(report)
        if hasattr(report, "verdict"):
            verdict = from_json(VerdictRecord, report.verdict)
            self._verdicts[report.nodeid] = verdict
            self._criterion_of[report.nodeid] = verdict.criterion
        elif report.failed:
            self._broke_down.append(f"{report.nodeid}: {report.longreprtext.strip()[-_SHOWN:]}")

    def result(self, exitstatus: int) -> Result:
        """Return what result.json has."""
        result = super().result(exitstatus)
        run = replace(result.run, world="live", context=self._context, notes=_NOTES)
        return replace(result, run=run, verdicts=tuple(self._verdicts.values()))

    def _missing(self, _: Sequence[ScenarioRecord]) -> Iterator[str]:
        if not self._partial:
            judged = {verdict.id for verdict in self._verdicts.values()}
            yield from (f"{case} was not judged" for case in self._expected if case not in judged)

    def _unknowns(self) -> list[str]:
        nothing = [] if self._verdicts else [Guard.SOMETHING_JUDGED.value]
        unknown = [one for one in self._verdicts.values() if one.outcome == "unknown"]
        return [
            *(f"{Guard.NO_SKIPS}: {test}" for test in self._skipped),
            *nothing,
            *(f"{verdict.id}: {verdict.evidence}" for verdict in unknown),
            *self._broke_down,
        ]

    def _criterion(self, reg: str, scenarios: Sequence[ScenarioRecord]) -> CriterionRecord:
        outcomes = {one.outcome for one in self._verdicts.values() if one.criterion == reg}
        record = super()._criterion(reg, scenarios)
        return replace(record, outcome=self._outcome(reg, outcomes))
