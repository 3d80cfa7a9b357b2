"""REG-006: redeploy and verify (after REG-004 and REG-005).

The criterion passes if the new ReplicaSet's pods are Ready on the wanted digest, and no container
waits for an image.
"""

import pytest

from pullrecovery.model.verdict import failing, fails


@pytest.mark.scenarios("REG-006")
def test_release_not_upgraded_recovers(scenario_run, redeploy, settled, pulls, node):
    """Secret, wiring and values are right, but the old release still runs."""
    verdicts = scenario_run.verdicts()
    assert failing(verdicts).keys() == scenario_run.fault.must_fail, failing(verdicts)
    assert verdicts["REG-006"] == fails(scenario_run.fault.cause)

    redeploy()

    assert failing(settled()) == {}
    assert pulls.after(redeploy).by(scenario_run.credential).of(scenario_run.digest)
    assert scenario_run.digest in node.check_output("ctr -n k8s.io images ls")
