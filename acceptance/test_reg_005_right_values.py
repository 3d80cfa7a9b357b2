"""REG-005: the right image in the chart's values (after REG-001).

The criterion passes if `helm template` renders exactly the wanted reference, in lower case.
"""

import pytest

from pullrecovery.model.verdict import Cause, failing, passes
from pullrecovery.tasks.reg_005_right_values import reg_005


@pytest.mark.scenarios("REG-005")
def test_wrong_values_recover(scenario_run, correct_values, redeploy, settled, pulls):
    """A misspelt repository, a tag that was never pushed, or an owner in upper case."""
    verdicts = scenario_run.verdicts()
    assert failing(verdicts).keys() == scenario_run.fault.must_fail, failing(verdicts)
    judged = scenario_run.fault.must_fail & {"REG-005", "REG-006"}
    assert {verdicts[reg].cause for reg in judged} == {scenario_run.fault.cause}
    if scenario_run.fault.cause is Cause.INVALID_REFERENCE:
        assert scenario_run.requests_of_the_node() == 0

    correct_values()

    assert reg_005(scenario_run.observe()) == passes()
    redeploy()
    assert failing(settled()) == {}
    if scenario_run.in_cluster:
        assert pulls.after(correct_values).by(scenario_run.credential).of(scenario_run.digest)
