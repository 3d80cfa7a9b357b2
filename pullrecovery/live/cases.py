"""What a live run judges: every criterion on every workload; the docs once, as all share them."""

from dataclasses import dataclass

from pullrecovery.model.target import Target, Workload
from pullrecovery.tasks import judged

_DOCS = "REG-007"


@dataclass(frozen=True)
class LiveCase:
    """One criterion on one workload; that of the docs is looked at beside the first one."""

    reg: str
    workload: Workload

    @property
    def id(self) -> str:
        return f"{self.reg}-{'docs' if self.reg == _DOCS else self.workload.name}"

    @property
    def mark(self) -> str:
        """The name of the pytest mark that selects its task, as `reg003`."""
        return self.reg.replace("-", "").lower()


def live_cases(target: Target) -> tuple[LiveCase, ...]:
    """Workload by workload, so that each is looked at once."""
    return tuple(
        LiveCase(reg, workload)
        for workload in target.workloads
        for reg in judged(target)
        if reg != _DOCS or workload is target.workloads[0]
    )
