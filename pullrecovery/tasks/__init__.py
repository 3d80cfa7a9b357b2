"""The tasks REG-001 … REG-008: what each one judges, and the fix that it suggests."""

from collections.abc import Callable, Mapping

from pullrecovery.model.observation import Observation
from pullrecovery.model.target import Target
from pullrecovery.model.verdict import Verdict
from pullrecovery.tasks.reg_001_image_identity import reg_001
from pullrecovery.tasks.reg_002_image_exists import reg_002
from pullrecovery.tasks.reg_003_pull_secret import reg_003
from pullrecovery.tasks.reg_004_wiring import reg_004
from pullrecovery.tasks.reg_005_right_values import reg_005
from pullrecovery.tasks.reg_006_redeploy import reg_006
from pullrecovery.tasks.reg_007_document import reg_007
from pullrecovery.tasks.reg_008_least_privilege import reg_008

CRITERIA: Mapping[str, Callable[[Observation], Verdict]] = {
    "REG-001": reg_001,
    "REG-002": reg_002,
    "REG-003": reg_003,
    "REG-004": reg_004,
    "REG-005": reg_005,
    "REG-006": reg_006,
    "REG-007": reg_007,
    "REG-008": reg_008,
}


# These tasks judge objects in a cluster.
IN_CLUSTER = frozenset({"REG-003", "REG-004", "REG-006", "REG-008"})


def judged(target: Target) -> tuple[str, ...]:
    """The criteria that apply to a target: REG-007 only if the target has docs."""
    return tuple(name for name in CRITERIA if name != "REG-007" or target.docs)


def optional_criteria(target: Target) -> frozenset[str]:
    """The criteria that are judged and shown, but do not fail a run of this target."""
    return frozenset() if target.privilege_required else frozenset({"REG-008"})


def judge(observation: Observation, *, in_cluster: bool = True) -> dict[str, Verdict]:
    """The verdict of every criterion on one observation; skips IN_CLUSTER without a cluster."""
    return {
        name: CRITERIA[name](observation)
        for name in judged(observation.target)
        if in_cluster or name not in IN_CLUSTER
    }
