"""The commands that verdicts of the pull secret name, run as they are told: each mends it."""

import re

import pytest

from fixtures.checkouts import own_workload, renamed
from fixtures.documents import play
from pullrecovery.faults import FAULTS
from pullrecovery.faults.ground import Ground
from pullrecovery.faults.rows import VALUES
from pullrecovery.observe import observe
from pullrecovery.tasks.reg_003_pull_secret import reg_003

# One of each form: made, deleted and made, copied, refreshed.
_ROWS = ("secret-missing", "secret-of-legacy-type", "secret-of-other-name", "token-revoked")
_COMMAND = re.compile(r"(?:jq|kubectl) .*")


@pytest.fixture
def ground(lab_world, tmp_path):
    """A namespace of the test's own with a good Secret, and nothing deployed."""
    target = lab_world.world.target
    workload = renamed(own_workload(target.workloads[0], target, tmp_path))
    ground = Ground(lab_world, workload, VALUES, lab_world.mint(), lab_world.mint())
    ground.lay()
    yield ground
    ground.clear()


@pytest.mark.reg003
@pytest.mark.parametrize("name", _ROWS)
def test_command_that_a_verdict_names_mends_the_secret(lab_world, ground, tmp_path, name):
    """Typed to the letter by somebody who has the token in GHCR_TOKEN."""
    next(fault for fault in FAULTS if fault.id == name).break_it(ground)
    told = reg_003(observe(ground.world, ground.workload))
    typed = f"read -r GHCR_TOKEN; export GHCR_TOKEN; {_COMMAND.search(told.remedy)[0]}"

    (ran,) = play(lab_world, (typed,), tmp_path / "checkout", lab_world.mint().credential)

    assert not told.holds
    assert ran.rc == 0, ran.said
    assert reg_003(observe(ground.world, ground.workload)).holds
