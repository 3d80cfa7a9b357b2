"""The cases of a live run: every criterion on every release, and the docs once."""

from dataclasses import dataclass

from pullrecovery.model.target import Target, Workload
from pullrecovery.tasks import applicable

_DOCS = "REG-007"


@dataclass(frozen=True)
class LiveCase:
    """One criterion on one release; the docs criterion runs with the first release only."""

    reg: str
    workload: Workload

    @property
    def id(self) -> str:
        return f"{self.reg}-{'docs' if self.reg == _DOCS else self.workload.name}"

    @property
    def mark(self) -> str:
        """Return the name of the pytest mark that selects its task, such as `reg003`."""
        return self.reg.replace("-", "").lower()


def live_cases(target: Target) -> tuple[LiveCase, ...]:
    """Return the cases release by release, so that each release is observed once."""
    return tuple(
        LiveCase(reg, workload)
        for workload in target.workloads
        for reg in applicable(target)
        if reg != _DOCS or workload is target.workloads[0]
    )
