"""Check what Argo CD's status proves, and that a healthy workload passes when Argo CD deploys it.

Rows of the criteria that it deploys are with their tasks: their ids end in `-argocd`.
"""

import pytest

from pullrecovery.common.wait import wait_for
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.faults.rollout import await_rollout
from pullrecovery.model.verdict import Cause, failing, fails
from pullrecovery.observe import observe, observe_pull
from pullrecovery.tasks import judge
from pullrecovery.tasks.reg_006_redeploy import reg_006

pytestmark = pytest.mark.argocd

_WITHIN = 90.0
# Seconds after which Kubernetes reports a rollout as failed; the default is 600.
_DEADLINE = 20


def _await_verdict(sandbox):
    """Return REG-006's verdict as soon as a pod waits for its image."""
    seen = wait_for(
        "a pod waits for its image",
        lambda: observe_pull(sandbox.world, sandbox.workload),
        lambda seen: stuck_containers(seen.pods),
        describe=lambda seen: seen.pods,
        timeout=_WITHIN,
    )
    return reg_006(seen)


def test_healthy_release_is_synced(by_argocd):
    """Sync from the branch; the pods run that commit, and every criterion passes."""
    by_argocd.deploy()

    await_rollout(by_argocd.sandbox, _WITHIN)
    found = by_argocd.await_application(
        "Argo CD calls it Healthy", lambda seen: seen.health == "Healthy", _WITHIN
    )
    assert (found.phase, found.sync) == ("Succeeded", "Synced")
    assert found.synced == found.head
    assert failing(judge(observe(by_argocd.sandbox.world, by_argocd.sandbox.workload))) == {}


def test_succeeded_sync_proves_no_pod(by_argocd):
    """A sync succeeds when Argo CD has applied the manifests, although the image cannot be pulled.

    The Deployment's deadline is the default of 600 s: until then its health is Progressing.
    """
    sandbox = by_argocd.sandbox
    sandbox.set_value("image.tag", "dev")
    sandbox.set_value("progressDeadlineSeconds", 600)

    by_argocd.deploy()

    verdict, found = _await_verdict(sandbox), by_argocd.application()
    assert (found.phase, found.sync, found.health) == ("Succeeded", "Synced", "Progressing")
    assert verdict == fails(Cause.WRONG_TAG)


def test_degraded_health_names_no_cause(by_argocd):
    """The cause is known before the health turns Degraded, and stays the same afterwards."""
    sandbox = by_argocd.sandbox
    sandbox.set_value("image.tag", "dev")
    sandbox.set_value("progressDeadlineSeconds", _DEADLINE)
    by_argocd.deploy()

    early = _await_verdict(sandbox)
    assert by_argocd.application().health == "Progressing"
    late = by_argocd.await_application(
        "Argo CD calls it Degraded", lambda seen: seen.health == "Degraded", _WITHIN
    )

    assert early == reg_006(observe_pull(sandbox.world, sandbox.workload)) == fails(Cause.WRONG_TAG)
    assert "dev" not in " ".join(late.conditions)
    assert late.phase == "Succeeded"
