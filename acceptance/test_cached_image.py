"""An image that is on the node already: the false green that Ready alone would be.

Up to Kubernetes 1.34 a pod without any credential runs it; from 1.35 the kubelet
asks the registry again, and refuses.
"""

import pytest

from fixtures.grounds import await_pods, deploy
from pullrecovery.tasks.reg_006_redeploy import rolled_out

pytestmark = pytest.mark.whole_run
CREDENTIALS_CHECKED_SINCE = (1, 35)


def _waits_for_a_token(_, pods):
    said = [container.waiting_message for pod in pods for container in pod.containers]
    return any("failed to fetch anonymous token" in message for message in said)


@pytest.fixture(name="second")
def _second(make_ground):
    """A workload with no credential, whose image another one has pulled to the node before."""
    first = make_ground()
    first.lab_world.publish(first.workload.image, first.workload.app)
    deploy(first)
    await_pods(first, "the first workload runs", rolled_out)
    second = make_ground(image=first.workload.image)
    second.set_value(second.workload.pull_secrets_key, [])
    second.delete_secret()
    return second


def test_cached_image_is_refused_or_run_by_version(second, lab):
    """What the version does is what its kubelet is known to do, and never a pull."""
    mark = second.lab_world.mark()

    deploy(second)

    if lab.versions.minor_number >= CREDENTIALS_CHECKED_SINCE:
        await_pods(second, "the pod is refused", _waits_for_a_token)
    else:
        pods = await_pods(second, "the pod runs without a credential", rolled_out)
        assert any("already present on machine" in event.message for event in pods[0].events)
    world = second.lab_world.world
    wanted = world.registry.manifest(
        second.workload.image.package, second.workload.image.tag, world.reader
    )
    assert second.lab_world.pulls(since=mark, digest=wanted.digest) == []
