"""The result.json of a live run: verdicts only, because it runs no fault and no remediation."""

import json
from typing import Any

import pytest

from pullrecovery.common.false_pass_guards import Guard
from pullrecovery.report.result import ResultFile
from pullrecovery.tasks.order import AFTER

_NOTES = (
    "no fault was played and no remedy: the criteria alone were judged, once",
    "REG-001: the suite's own client asked the registry; docker and crane were not run",
    "REG-006: there is no log of the registry's; of a pull its event, imageID and time were seen",
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
    ) -> None:
        super().__init__(config, optional)
        self._expected = expected
        self._context = str(config.getoption("context"))
        self._verdicts: dict[str, dict[str, Any]] = {}
        self._broke_down: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        super().pytest_runtest_logreport(report)
        if hasattr(report, "verdict"):
            self._verdicts[report.nodeid] = json.loads(report.verdict)
        elif report.failed:
            self._broke_down.append(f"{report.nodeid}: {report.longreprtext.strip()[-_SHOWN:]}")

    def result(self, exitstatus: int) -> dict[str, Any]:
        """Return the document that docs/result.schema.json describes."""
        found = super().result(exitstatus)
        found["run"] |= {"world": "live", "context": self._context, "notes": list(_NOTES)}
        found["verdicts"] = list(self._verdicts.values())
        return found

    def _missing(self, _: list[dict[str, Any]]) -> list[str]:
        if self._partial:
            return []
        judged = {each["id"] for each in self._verdicts.values()}
        return [f"{case} was not judged" for case in self._expected if case not in judged]

    def _doubts(self) -> list[str]:
        nothing = [] if self._verdicts else [Guard.SOMETHING_JUDGED.value]
        untold = [each for each in self._verdicts.values() if each["outcome"] == "cannot_tell"]
        return [
            *(f"{Guard.NO_SKIPS}: {test}" for test in self._skipped),
            *nothing,
            *(f"{each['id']}: {each['evidence']}" for each in untold),
            *self._broke_down,
        ]

    def _ignores(self, test: str, outcome: str) -> bool:
        reg = self._verdicts.get(test, {}).get("reg")
        return outcome == "failed" and reg in self._optional

    def _criterion(self, reg: str, _: list[dict[str, Any]]) -> dict[str, Any]:
        own = [each for each in self._verdicts.values() if each["reg"] == reg]
        return {
            "id": reg,
            "after": list(AFTER.get(reg, ())),
            "holds": bool(own) and all(each["outcome"] == "holds" for each in own),
            "required": reg not in self._optional,
            "faults": 0,
            "scenarios": 0,
        }
