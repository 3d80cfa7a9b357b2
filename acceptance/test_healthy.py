"""Good order: nothing is broken, so every criterion holds, and nothing is to be remedied.

A suite that finds something here finds it anywhere.
"""

from fixtures.scenario.scenario import failing
from fixtures.scenario.symptoms import await_rollout

_RUNS_WITHIN = 45.0


def test_workload_in_good_order_passes_every_criterion(healthy, first_pulls):
    """Every workload, in each way of wiring it; and its image was pulled, not found."""
    await_rollout(healthy.ground, _RUNS_WITHIN)

    assert failing(healthy.verdicts()) == {}
    assert first_pulls.by(healthy.credential).of(healthy.digest)
    healthy.record["ended"] = "holds"
