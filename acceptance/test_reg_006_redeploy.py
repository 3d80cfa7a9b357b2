"""REG-006: redeploy and verify (after REG-004 and REG-005).

Holds when the new ReplicaSet's pods are Ready on the wanted digest, and no
container waits for an image.
"""

import pytest

from fixtures.scenario.scenario import failing
from pullrecovery.model.verdict import fails


@pytest.mark.scenarios("REG-006")
def test_release_not_upgraded_recovers(broken, redeploy, settled, pulls, node):
    """Secret, wiring and values are right, and still the old release runs."""
    verdicts = broken.verdicts()
    assert failing(verdicts).keys() == broken.fault.must_fail, failing(verdicts)
    assert verdicts["REG-006"] == fails(broken.fault.cause)

    redeploy()

    assert failing(settled()) == {}
    assert pulls.after(redeploy).by(broken.credential).of(broken.digest)
    assert broken.digest in node.check_output("ctr -n k8s.io images ls")
