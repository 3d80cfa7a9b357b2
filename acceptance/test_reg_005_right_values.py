"""REG-005: the right image in the chart's values (after REG-001).

Holds when `helm template` renders the wanted reference and no other, in lower case.
"""

import pytest

from pullrecovery.model import Cause, fails, holds
from pullrecovery.tasks import judge
from pullrecovery.tasks.reg_005_right_values import reg_005
from pullrecovery.tasks.reg_006_redeploy import reg_006


@pytest.mark.scenarios("REG-005")
def test_wrong_values_recover(broken, correct_values, redeploy, settled, pulls):
    """A misspelt repository, a tag that no push made, an owner in capitals."""
    assert broken.killed().keys() == broken.fault.must_fail
    assert reg_005(broken.observe()) == fails(broken.fault.cause)
    assert reg_006(broken.observe()) == fails(broken.fault.cause)
    if broken.fault.cause is Cause.INVALID_REFERENCE:
        package = broken.workload.image.package
        assert broken.lab_world.requests(since=broken.mark, repository=package) == 0

    correct_values()

    assert reg_005(broken.observe()) == holds()
    redeploy()
    assert {reg: holds() for reg in judge(broken.observe())} == judge(settled())
    assert pulls.after(correct_values).by(broken.credential).of(broken.digest)
