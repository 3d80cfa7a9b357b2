"""An image that the node already has: Ready alone would be a false pass.

Up to Kubernetes 1.34 a pod runs such an image without any credential, or with a revoked one. From
1.35 the kubelet asks the registry again, and refuses.
"""

import pytest

from fixtures.scenario.sandboxes import await_pods, deploy
from pullrecovery.model.verdict import Cause, failing
from pullrecovery.observe import observe
from pullrecovery.tasks import judge
from pullrecovery.tasks.reg_003_pull_secret import refresh_secret
from pullrecovery.tasks.reg_006_redeploy import rolled_out

CREDENTIALS_CHECKED_SINCE = (1, 35)


def _refused(kind):
    def is_refused(_, pods):
        said = [container.waiting_message for pod in pods for container in pod.containers]
        return any(f"failed to fetch {kind} token" in message for message in said)

    return is_refused


def _failing(sandbox):
    verdicts = judge(observe(sandbox.world, sandbox.workload))
    return {reg: verdict.cause for reg, verdict in failing(verdicts).items()}


def _digest(sandbox):
    world, image = sandbox.lab_world, sandbox.workload.image
    return world.registry.manifest(image.package, image.tag, world.reader).digest


@pytest.fixture(name="second")
def _second(make_sandbox):
    """A healthy workload, whose image another workload has already pulled to the node."""
    first = make_sandbox()
    first.lab_world.publish(first.workload.image, first.workload.app)
    deploy(first)
    await_pods(first, "the first workload runs", rolled_out)
    return make_sandbox(image=first.workload.image)


@pytest.fixture(name="checked")
def _checked(lab):
    """Return whether this version's kubelet asks the registry for cached images, too."""
    return lab.versions.minor_number >= CREDENTIALS_CHECKED_SINCE


def test_cached_image_differs_by_version(second, checked):
    """The pod runs or is refused as this version's kubelet is known to do; nothing is pulled."""
    second.set_value(second.workload.pull_secrets_key, [])
    second.delete_secret()
    mark = second.lab_world.mark()

    deploy(second)

    if checked:
        await_pods(second, "the pod is refused", _refused("anonymous"))
    else:
        pods = await_pods(second, "the pod runs without a credential", rolled_out)
        assert any("already present on machine" in event.message for event in pods[0].events)
    assert second.lab_world.pulls(since=mark, digest=_digest(second)) == []


def test_revoked_token_behind_cache_recovers(second, checked):
    """A revoked token fails REG-003 only while pods run; a forced pull proves the new token.

    If the kubelet asks the registry again, the revoked token fails REG-006 too.
    """
    lab_world, name = second.lab_world, second.credential.name
    revoked = second.credential
    lab_world.control.put_credential(
        name, revoked.token, revoked.login, ["read:packages"], revoked=True
    )
    deploy(second)
    await_pods(second, "the symptom", _refused("oauth") if checked else rolled_out)
    must_fail = ["REG-003", "REG-006"] if checked else ["REG-003"]
    assert _failing(second) == dict.fromkeys(must_fail, Cause.CREDENTIAL_REJECTED)

    issued = lab_world.issue_token()
    mark = lab_world.mark()
    refresh_secret(second.world, second.workload, issued)
    second.world.helm.upgrade(second.workload, settings=["image.pullPolicy=Always"])

    await_pods(second, "the pods run", rolled_out)
    assert _failing(second) == {}
    pulled = lab_world.pulls(since=mark, digest=_digest(second))
    assert {pull.credential for pull in pulled} == {issued.name}
