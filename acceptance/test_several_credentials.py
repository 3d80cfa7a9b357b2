"""A pod with several pull secrets, or several entries in one: what the kubelet makes of them.

It tries every credential that matches the image, the most specific server first, and one that is
accepted is enough. A Secret that it cannot decode takes all others with it.
"""

import pytest

from fixtures.scenario.sandboxes import await_pods, deploy
from fixtures.scenario.scenario import failing
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.faults.ground import auth_of
from pullrecovery.lab import accounts
from pullrecovery.model.verdict import Cause, fails, holds
from pullrecovery.observe import observe
from pullrecovery.registry.keyring import DOCKER_CONFIG
from pullrecovery.tasks import judge
from pullrecovery.tasks.reg_006_redeploy import rolled_out

OTHER = "registry-mirror"


@pytest.fixture(name="ground")
def _ground(make_ground):
    """Good ground whose image nobody has pulled yet."""
    ground = make_ground()
    ground.lab_world.publish(ground.workload.image, ground.workload.app)
    return ground


def _entry(minted):
    return {"auth": auth_of(minted.credential)}


def _revoked(ground):
    minted = ground.lab_world.mint()
    accounts.revoke(ground.lab_world.control, minted)
    return minted


def _wire(ground, *names):
    ground.set_value(ground.workload.pull_secrets_key, [{"name": name} for name in names])


def _verdicts(ground):
    return judge(observe(ground.world, ground.workload))


def test_second_entry_pulls_where_the_first_is_refused(ground):
    """The narrower server is tried first, and its token is revoked."""
    image, bad = ground.workload.image, _revoked(ground)
    auths = {f"ghcr.io/{image.owner}": _entry(bad), "ghcr.io": _entry(ground.credential)}
    ground.put_document({"auths": auths})
    mark = ground.lab_world.mark()

    deploy(ground)

    await_pods(ground, "the pod runs", rolled_out)
    assert failing(_verdicts(ground)) == {}
    refused = ground.lab_world.requests(since=mark, reference="", credential=bad.name)
    assert refused > 0


def test_secret_of_the_legacy_type_pulls_and_is_still_not_the_right_one(ground):
    """The kubelet reads it; what is asked for is the newer type."""
    ground.put_document({"ghcr.io": _entry(ground.credential)}, kind=DOCKER_CONFIG)

    deploy(ground)

    await_pods(ground, "the pod runs", rolled_out)
    assert failing(_verdicts(ground)) == {"REG-003": fails(Cause.SECRET_WRONG_TYPE)}


def test_other_secret_of_the_pod_hides_that_the_targets_is_refused(ground):
    """The pod runs, and the next one without that other Secret would not."""
    ground.put_document({"auths": {"ghcr.io": _entry(ground.credential)}}, name=OTHER)
    ground.put_secret(_revoked(ground).credential)
    _wire(ground, ground.secret_name, OTHER)

    deploy(ground)

    await_pods(ground, "the pod runs", rolled_out)
    assert failing(_verdicts(ground)) == {"REG-003": fails(Cause.CREDENTIAL_REJECTED)}


def test_other_secret_that_cannot_be_decoded_stops_a_good_one(ground):
    """REG-003 holds, as the target's Secret is good; the pod is stuck, and the other is named."""
    ground.put_document({"auths": {"mirror.example": {"auth": "%"}}}, name=OTHER)
    _wire(ground, ground.secret_name, OTHER)

    deploy(ground)

    await_pods(ground, "the pod is stuck", lambda _, pods: bool(stuck_containers(pods)))
    verdicts = _verdicts(ground)
    assert verdicts["REG-003"] == holds()
    assert failing(verdicts) == {"REG-006": fails(Cause.SECRET_UNREADABLE)}
    assert f"/{OTHER}: its `auth` is not base64" in verdicts["REG-006"].evidence
