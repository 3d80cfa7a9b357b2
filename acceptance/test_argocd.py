"""What Argo CD's own words are worth, and how a workload in good order looks by it.

Rows of the criteria that it deploys stand with their tasks: their ids end in `-argocd`.
"""

import pytest

from fixtures.scenario.scenario import failing
from fixtures.scenario.symptoms import await_rollout
from pullrecovery.common.wait import wait_for
from pullrecovery.diagnosis.stuck import stuck_containers
from pullrecovery.model.verdict import Cause, fails
from pullrecovery.observe import observe, observe_pull
from pullrecovery.tasks import judge
from pullrecovery.tasks.reg_006_redeploy import reg_006

pytestmark = pytest.mark.argocd

_WITHIN = 90.0
# The chart's own word for when a rollout is taken to have failed; 600 s where nobody says one.
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
    """A sync from the branch, the pods of that commit, and every criterion."""
    by_argocd.deploy()

    await_rollout(by_argocd.sandbox, _WITHIN)
    found = by_argocd.await_application(
        "Argo CD calls it Healthy", lambda seen: seen.health == "Healthy", _WITHIN
    )
    assert (found.phase, found.sync) == ("Succeeded", "Synced")
    assert found.synced == found.head
    assert failing(judge(observe(by_argocd.sandbox.world, by_argocd.sandbox.workload))) == {}


def test_succeeded_sync_proves_no_pod(by_argocd):
    """Argo CD has applied what git says, and is done; the pod cannot be pulled.

    The Deployment's deadline is the 600 s of who sets none: until then it is Progressing.
    """
    sandbox = by_argocd.sandbox
    sandbox.set_value("image.tag", "dev")
    sandbox.set_value("progressDeadlineSeconds", 600)

    by_argocd.deploy()

    verdict, found = _await_verdict(sandbox), by_argocd.application()
    assert (found.phase, found.sync, found.health) == ("Succeeded", "Synced", "Progressing")
    assert verdict == fails(Cause.WRONG_TAG)


def test_degraded_health_names_no_cause(by_argocd):
    """The cause was named before, and is the same one afterwards."""
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
