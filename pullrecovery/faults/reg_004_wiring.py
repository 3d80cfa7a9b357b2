"""Faults of REG-004: a good Secret that no pod is given."""

from pullrecovery.faults.ground import Ground
from pullrecovery.faults.rows import SERVICE_ACCOUNT, VALUES, Fault, pull_error
from pullrecovery.model import Cause


def _unwire(ground: Ground) -> None:
    ground.set_value(ground.workload.pull_secrets_key, [])
    ground.set_account_secrets([])


FAULTS = (
    Fault(
        id="not-wired",
        reg="REG-004",
        cause=Cause.NOT_WIRED,
        must_fail=frozenset({"REG-004", "REG-006"}),
        symptom=pull_error(r"failed to fetch anonymous token.*401 Unauthorized"),
        break_it=_unwire,
        wirings=(VALUES, SERVICE_ACCOUNT),
    ),
)
