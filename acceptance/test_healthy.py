"""Good order: nothing is broken, so every criterion holds, and nothing is to be remedied.

A suite that finds something here finds it anywhere.
"""

from fixtures.scenario.scenario import failing
from fixtures.scenario.symptoms import await_rollout

_RUNS_WITHIN = 45.0


def test_healthy_workload_passes_every_criterion(healthy_control, first_pulls):
    """Every workload, in each way of wiring it; and its image was pulled, not found."""
    await_rollout(healthy_control.sandbox, _RUNS_WITHIN)

    assert failing(healthy_control.verdicts()) == {}
    assert first_pulls.by(healthy_control.credential).of(healthy_control.digest)
    healthy_control.record["ended"] = "holds"
