"""REG-005: the right image in the chart's values (after REG-001).

Holds when `helm template` renders the wanted reference and no other, in lower case.
"""

import pytest

from fixtures.scenario.scenario import failing
from pullrecovery.model.verdict import Cause, holds
from pullrecovery.tasks.reg_005_right_values import reg_005


@pytest.mark.scenarios("REG-005")
def test_wrong_values_recover(broken, correct_values, redeploy, settled, pulls):
    """A misspelt repository, a tag that no push made, an owner in capitals."""
    verdicts = broken.verdicts()
    assert failing(verdicts).keys() == broken.fault.must_fail, failing(verdicts)
    judged = broken.fault.must_fail & {"REG-005", "REG-006"}
    assert {verdicts[reg].cause for reg in judged} == {broken.fault.cause}
    if broken.fault.cause is Cause.INVALID_REFERENCE:
        assert broken.requests_of_the_node() == 0

    correct_values()

    assert reg_005(broken.observe()) == holds()
    redeploy()
    assert failing(settled()) == {}
    if broken.in_cluster:
        assert pulls.after(correct_values).by(broken.credential).of(broken.digest)
