"""One token request that hangs, beside healthy pulls.

kind's own kubelet pulls images one after the other, so one missing answer would stall the node. The
lab's kubelet pulls in parallel (kind-config.yaml), so the other pulls must not stall.
"""

import re
import time

import pytest

from fixtures.scenario.sandboxes import await_pods, deploy
from ghcr_emulator.client import Hang, switched
from pullrecovery.tasks.reg_006_redeploy import rolled_out

pytestmark = pytest.mark.waits
HEALTHY = 7
# A busy kubelet that has not read a pod's Secret within a second first pulls anonymously,
# and then tries again.
_FAILED_BY_ITS_TOKEN = re.compile(r"Failed to pull image (?!.*anonymous token)", re.DOTALL)


@pytest.fixture(name="workloads")
def _workloads(make_sandbox):
    """Seven workloads and one more, each with its own credential and a never pulled image."""
    sandboxes = [make_sandbox() for _ in range(HEALTHY + 1)]
    for sandbox in sandboxes:
        sandbox.lab_world.publish(sandbox.workload.image, sandbox.workload.app)
    return sandboxes


def _deploy_and_await(sandboxes, record_property):
    """Deploy all and wait until they run; the seconds go to the report only."""
    started = time.monotonic()
    for sandbox in sandboxes:
        deploy(sandbox)
    for sandbox in sandboxes:
        await_pods(sandbox, "a healthy workload runs", rolled_out)
    record_property("seconds_until_seven_run", round(time.monotonic() - started, 2))


def test_seven_workloads_run_without_hang(workloads, record_property):
    """The baseline for the seconds of the next test."""
    _deploy_and_await(workloads[:HEALTHY], record_property)


def test_hanging_token_stalls_only_its_pod(workloads, lab_world, record_property):
    """Seven run while the eighth waits for /token; it runs once the answer comes."""
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
