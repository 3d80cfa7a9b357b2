"""The commands that verdicts of the pull secret name, run as they are told: each mends it."""

import re

import pytest

from fixtures.documents import play
from pullrecovery.faults import FAULTS
from pullrecovery.observe import observe
from pullrecovery.tasks.reg_003_pull_secret import reg_003

# One of each form: made, deleted and made, copied, refreshed.
_ROWS = ("secret-missing", "secret-of-legacy-type", "secret-of-other-name", "token-revoked")
_COMMAND = re.compile(r"(?:jq|kubectl) .*")


@pytest.mark.reg003
@pytest.mark.parametrize("name", _ROWS)
def test_command_that_a_verdict_names_mends_the_secret(lab_world, make_ground, name):
    """Typed to the letter by somebody who has the token in GHCR_TOKEN."""
    ground = make_ground()
    next(fault for fault in FAULTS if fault.id == name).break_it(ground)
    told = reg_003(observe(ground.world, ground.workload))
    typed = f"read -r GHCR_TOKEN; export GHCR_TOKEN; {_COMMAND.search(told.remedy)[0]}"

    (ran,) = play(lab_world, (typed,), ground.workload.chart, lab_world.mint().credential)

    assert not told.holds
    assert ran.rc == 0, ran.said
    assert reg_003(observe(ground.world, ground.workload)).holds
