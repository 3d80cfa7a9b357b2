"""One story: a promotion through the gate, one that the gate holds, and the next one.

Argo CD runs the gate's hook before each sync. What is held changes nothing of what runs.
"""

import pytest

from fixtures.symptoms import await_rollout
from pullrecovery.observe.cluster import observe_deployment, observe_pods

pytestmark = pytest.mark.argocd

_WITHIN = 90.0


def _pods(ground):
    """Return the uid of every pod of the release that is Ready, and its image."""
    deployment = observe_deployment(ground.world, ground.workload)
    pods = observe_pods(ground.world, ground.workload, deployment)
    return {pod.uid: pod.containers[0].image_id for pod in pods if pod.ready}


def test_revision_that_the_hook_holds_leaves_the_one_before_serving(gated):
    """A is promoted, B (tag `dev`, which nobody pushed) is held, C is promoted."""
    good = gated.want_a_new_build()
    gated.promote(good)
    first = gated.sync()
    assert (first.condition, first.code) == ("Complete", 0), first
    await_rollout(gated.ground, _WITHIN)
    running = _pods(gated.ground)
    assert all(image.endswith(gated.job.digest) for image in running.values())

    gated.visitor.start()
    gated.ground.set_value("image.tag", "dev")
    bad = gated.commit()
    held = gated.sync_that_is_held()
    assert (held.condition, held.code) == ("Failed", 1), held
    assert held.said.startswith("hold: "), held
    assert bad != good
    assert _pods(gated.ground) == running
    gated.visitor.stop()
    assert gated.visitor.missed == []
    assert gated.visitor.served > 0

    fixed = gated.want_a_new_build()
    gated.promote(fixed)
    last = gated.sync()
    assert (last.condition, last.code) == ("Complete", 0), last
    await_rollout(gated.ground, _WITHIN)
    assert all(image.endswith(gated.job.digest) for image in _pods(gated.ground).values())
    assert not running.keys() & _pods(gated.ground).keys()
