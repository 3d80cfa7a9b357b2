"""One hanging answer of the registry's, beside pulls that are in good order.

kind's own kubelet pulls one image after the other, and one answer that does not come would stall
the node. The lab's pulls side by side (kind-config.yaml), so the others must not feel it.
"""

import re
import time

import pytest

from fixtures.scenario.sandboxes import await_pods, deploy
from ghcr_emulator.client import Hang, switched
from pullrecovery.tasks.reg_006_redeploy import rolled_out

pytestmark = pytest.mark.waits
HEALTHY = 7
# A busy kubelet first asks as nobody where it has not read a pod's Secret within a second, and
# tries again.
_FAILED_BY_ITS_TOKEN = re.compile(r"Failed to pull image (?!.*anonymous token)", re.DOTALL)


@pytest.fixture(name="workloads")
def _workloads(make_sandbox):
    """Seven workloads and one more, each with a credential and a never pulled image of its own."""
    sandboxes = [make_sandbox() for _ in range(HEALTHY + 1)]
    for sandbox in sandboxes:
        sandbox.lab_world.publish(sandbox.workload.image, sandbox.workload.app)
    return sandboxes


def _deploy_and_await(sandboxes, record_property):
    """Deploy all and wait until they run; the seconds are for the report, and nothing is judged."""
    started = time.monotonic()
    for sandbox in sandboxes:
        deploy(sandbox)
    for sandbox in sandboxes:
        await_pods(sandbox, "a healthy workload runs", rolled_out)
    record_property("seconds_until_seven_run", round(time.monotonic() - started, 2))


def test_seven_workloads_run_without_hang(workloads, record_property):
    """What the next test's seconds are held against."""
    _deploy_and_await(workloads[:HEALTHY], record_property)


def test_hanging_token_stalls_only_its_pod(workloads, lab_world, record_property):
    """Seven run while the eighth still waits for /token, and it runs when the answer comes."""
    *healthy_control, stalled = workloads
    token = Hang(route="token", credential=stalled.credential.name)

    with switched(lab_world.control, token) as hanging:
        deploy(stalled)
        await_pods(stalled, "the eighth asks for its token", lambda *_: hanging.hits() > 0)
        _deploy_and_await(healthy_control, record_property)
        (waiting,) = await_pods(stalled, "the eighth has a pod", lambda _, pods: bool(pods))

    assert not waiting.ready
    assert not [event for event in waiting.events if _FAILED_BY_ITS_TOKEN.match(event.message)]
    await_pods(stalled, "the eighth runs at last", rolled_out)
