"""Healthy workloads: nothing is broken, so every criterion passes and nothing needs remediation.

A suite that reports a failure here would report it anywhere.
"""

from pullrecovery.faults.rollout import await_rollout
from pullrecovery.model.verdict import failing

_RUNS_WITHIN = 45.0


def test_healthy_workload_passes_every_criterion(healthy_control, first_pulls):
    """Every workload passes in each wiring, and its image was pulled and not cached."""
    await_rollout(healthy_control.sandbox, _RUNS_WITHIN)

    assert failing(healthy_control.verdicts()) == {}
    assert first_pulls.by(healthy_control.credential).of(healthy_control.digest)
    healthy_control.record.outcome = "pass"
