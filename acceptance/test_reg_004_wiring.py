"""REG-004: wire the pull secret to the workload (after REG-003).

Option A, preferred, is the chart's values. Option B is the namespace's default ServiceAccount, with
its pods recreated. The criterion passes if the workload's ServiceAccount or its pod template names
the Secret, and the live pods have it.
"""

import pytest

from pullrecovery.model.verdict import failing, fails


@pytest.mark.scenarios("REG-004")
def test_unwired_workload_recovers(scenario_run, wire, redeploy, settled, pulls):
    """The Secret exists but nothing names it, so the pod pulls anonymously."""
    verdicts = scenario_run.verdicts()
    assert failing(verdicts).keys() == scenario_run.fault.must_fail, failing(verdicts)
    assert verdicts["REG-004"] == verdicts["REG-006"] == fails(scenario_run.fault.cause)

    wire()
    redeploy()

    assert failing(settled()) == {}
    assert pulls.after(wire).by(scenario_run.credential).of(scenario_run.digest)
