"""REG-006: redeploy and verify (after REG-004 and REG-005).

Holds when the new ReplicaSet's pods are Ready on the wanted digest, and no
container waits for an image.
"""

import pytest

from pullrecovery.model import fails, holds
from pullrecovery.tasks import judge
from pullrecovery.tasks.reg_006_redeploy import reg_006


@pytest.mark.scenarios("REG-006")
def test_release_not_upgraded_recovers(broken, redeploy, settled, pulls):
    """Secret, wiring and values are right, and still the old release runs."""
    assert broken.killed().keys() == broken.fault.must_fail
    assert reg_006(broken.observe()) == fails(broken.fault.cause)

    redeploy()

    assert {reg: holds() for reg in judge(broken.observe())} == judge(settled())
    assert pulls.after(redeploy).by(broken.credential).of(broken.digest)
