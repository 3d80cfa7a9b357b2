"""How the kubelet uses several pull secrets of a pod, or several entries in one Secret.

It tries every credential that matches the image, the most specific server first, and one accepted
credential is enough. A Secret that it cannot decode blocks all others.
"""

import pytest

from fixtures.scenario.sandboxes import await_pods, deploy
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.faults.sandbox import auth_of
from pullrecovery.lab import accounts
from pullrecovery.model.verdict import Cause, failing, fails, passes
from pullrecovery.observe import observe
from pullrecovery.registry.keyring import DOCKER_CONFIG
from pullrecovery.tasks import judge
from pullrecovery.tasks.reg_006_redeploy import rolled_out

OTHER = "registry-mirror"


@pytest.fixture(name="sandbox")
def _sandbox(make_sandbox):
    """A healthy sandbox whose image was never pulled."""
    sandbox = make_sandbox()
    sandbox.lab_world.publish(sandbox.workload.image, sandbox.workload.app)
    return sandbox


def _entry(issued):
    return {"auth": auth_of(issued)}


def _revoked(sandbox):
    issued = sandbox.lab_world.issue_token()
    accounts.revoke(sandbox.lab_world.control, issued)
    return issued


def _wire(sandbox, *names):
    sandbox.set_value(sandbox.workload.pull_secrets_key, [{"name": name} for name in names])


def _verdicts(sandbox):
    return judge(observe(sandbox.world, sandbox.workload))


def test_second_entry_pulls_after_refusal(sandbox):
    """The kubelet tries the more specific server first, and its token is revoked."""
    image, bad = sandbox.workload.image, _revoked(sandbox)
    auths = {f"ghcr.io/{image.owner}": _entry(bad), "ghcr.io": _entry(sandbox.credential)}
    sandbox.put_document({"auths": auths})
    mark = sandbox.lab_world.mark()

    deploy(sandbox)

    await_pods(sandbox, "the pod runs", rolled_out)
    assert failing(_verdicts(sandbox)) == {}
    refused = sandbox.lab_world.requests(since=mark, reference="", credential=bad.name)
    assert refused > 0


def test_legacy_secret_pulls_but_fails(sandbox):
    """The kubelet reads the old Secret type, but REG-003 requires the newer one."""
    sandbox.put_document({"ghcr.io": _entry(sandbox.credential)}, kind=DOCKER_CONFIG)

    deploy(sandbox)

    await_pods(sandbox, "the pod runs", rolled_out)
    assert failing(_verdicts(sandbox)) == {"REG-003": fails(Cause.SECRET_WRONG_TYPE)}


def test_other_secret_hides_refused_one(sandbox):
    """The pod runs, but the next one without the other Secret would not."""
    sandbox.put_document({"auths": {"ghcr.io": _entry(sandbox.credential)}}, name=OTHER)
    sandbox.put_secret(_revoked(sandbox))
    _wire(sandbox, sandbox.secret_name, OTHER)

    deploy(sandbox)

    await_pods(sandbox, "the pod runs", rolled_out)
    assert failing(_verdicts(sandbox)) == {"REG-003": fails(Cause.CREDENTIAL_REJECTED)}


def test_undecodable_secret_blocks_good_one(sandbox):
    """The target's own Secret passes REG-003; the pod is stuck, and the other Secret is named."""
    sandbox.put_document({"auths": {"mirror.example": {"auth": "%"}}}, name=OTHER)
    _wire(sandbox, sandbox.secret_name, OTHER)

    deploy(sandbox)

    await_pods(sandbox, "the pod is stuck", lambda _, pods: bool(stuck_containers(pods)))
    verdicts = _verdicts(sandbox)
    assert verdicts["REG-003"] == passes()
    assert failing(verdicts) == {"REG-006": fails(Cause.SECRET_UNREADABLE)}
    assert f"/{OTHER}: its `auth` is not base64" in verdicts["REG-006"].evidence
