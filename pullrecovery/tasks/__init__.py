"""The tasks REG-001 … REG-008: what each one judges, and the fix that it suggests."""

from collections.abc import Mapping

from pullrecovery.model.observation import Observation
from pullrecovery.model.observed import Source
from pullrecovery.model.target import Target
from pullrecovery.model.verdict import Verdict
from pullrecovery.tasks.criterion import Criterion
from pullrecovery.tasks.reg_001_image_identity import reg_001
from pullrecovery.tasks.reg_002_image_exists import reg_002
from pullrecovery.tasks.reg_003_pull_secret import reg_003
from pullrecovery.tasks.reg_004_wiring import reg_004
from pullrecovery.tasks.reg_005_right_values import reg_005
from pullrecovery.tasks.reg_006_redeploy import reg_006
from pullrecovery.tasks.reg_007_document import reg_007
from pullrecovery.tasks.reg_008_least_privilege import reg_008

CRITERIA: Mapping[str, Criterion] = {
    criterion.id: criterion
    for criterion in (reg_001, reg_002, reg_003, reg_004, reg_005, reg_006, reg_007, reg_008)
}


def criteria_of(source: Source) -> frozenset[str]:
    """The criteria that need this source, and none that needs more of a lab."""
    return frozenset(reg for reg, criterion in CRITERIA.items() if criterion.source is source)


# These tasks judge objects in a cluster.
IN_CLUSTER = criteria_of(Source.CLUSTER)


def applicable(target: Target) -> tuple[str, ...]:
    """The criteria that apply to a target: REG-007 only if the target has docs."""
    return tuple(reg for reg, criterion in CRITERIA.items() if not criterion.lacks(target))


def optional_criteria(target: Target) -> frozenset[str]:
    """The criteria that are judged and shown, but do not fail a run of this target."""
    return frozenset() if target.privilege_required else frozenset({"REG-008"})


def judge(observation: Observation, *, in_cluster: bool = True) -> dict[str, Verdict]:
    """The verdict of every criterion on one observation; skips IN_CLUSTER without a cluster."""
    return {
        reg: criterion(observation)
        for reg, criterion in CRITERIA.items()
        if in_cluster or reg not in IN_CLUSTER
    }
