"""REG-004: wire the pull secret to the workload (after REG-003).

A, preferred: the chart's values. B, fallback: the namespace's default
ServiceAccount, its pods recreated. Holds when the workload's ServiceAccount or
its pod template names the Secret, and the live pods carry it.
"""

import pytest

from pullrecovery.model import fails, holds
from pullrecovery.tasks import judge
from pullrecovery.tasks.reg_004_wiring import reg_004
from pullrecovery.tasks.reg_006_redeploy import reg_006


@pytest.mark.scenarios("REG-004")
def test_unwired_workload_recovers(broken, wire, redeploy, settled, pulls):
    """The Secret is there but nothing points at it, so the pod pulls anonymously."""
    assert broken.killed().keys() == broken.fault.must_fail
    assert reg_004(broken.observe()) == fails(broken.fault.cause)
    assert reg_006(broken.observe()) == fails(broken.fault.cause)

    wire()
    redeploy()

    assert {reg: holds() for reg in judge(broken.observe())} == judge(settled())
    assert reg_004(broken.observe()) == holds()
    assert pulls.after(wire).by(broken.credential).of(broken.digest)
