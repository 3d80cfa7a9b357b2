"""Faults of REG-006: everything is mended but what runs."""

from pullrecovery.faults.ground import Ground
from pullrecovery.faults.rows import Fault, pull_error
from pullrecovery.model import Cause


def _deploy_missing_tag(ground: Ground) -> None:
    ground.set_value("image.tag", "dev")


def _mend_values_only(ground: Ground) -> None:
    ground.set_value("image.tag", ground.workload.image.tag)


FAULTS = (
    Fault(
        id="release-not-upgraded",
        reg="REG-006",
        cause=Cause.RELEASE_STALE,
        must_fail=frozenset({"REG-006"}),
        symptom=pull_error(r":dev: not found"),
        break_it=_deploy_missing_tag,
        after_deploy=_mend_values_only,
    ),
)
