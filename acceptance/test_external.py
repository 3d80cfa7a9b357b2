"""External causes: failures outside of the target, which no task can fix.

A healthy release gets a new image while the registry, the network, the certificate or DNS fails.
Pod, Secret and the operator's clients must show one and the same cause, nothing may be remediated,
and after the outage every criterion must pass again.
"""

import pytest

from fixtures.plugin.options import target_of
from fixtures.scenario.matrix import Scenario
from pullrecovery.faults.external import FAULTS
from pullrecovery.model.verdict import failing
from pullrecovery.model.wiring import VALUES
from pullrecovery.tasks.fixable import NothingToFixError

pytestmark = pytest.mark.waits


def pytest_generate_tests(metafunc):
    """Run every row for one workload: a registry's answer does not depend on the chart."""
    workload = target_of(metafunc.config).workloads[-1]
    rows = [Scenario(fault, workload, VALUES) for fault in FAULTS]
    exclusive = pytest.mark.partly_exclusive
    parameters = [
        pytest.param(row, marks=[exclusive] if row.fault.exclusive else []) for row in rows
    ]
    metafunc.parametrize("scenario", parameters, ids=[row.id for row in rows])


@pytest.fixture(name="scenario_run")
def _broken(outage):
    """The outage, as the run that the remediations act on."""
    return outage


def test_external_cause_is_named_and_ends(scenario_run, remediations, settled, pulls):
    """The set of failing criteria is exact, and each of them fails for the row's one cause."""
    verdicts = scenario_run.verdicts()
    assert failing(verdicts).keys() == scenario_run.fault.must_fail, failing(verdicts)
    assert {each.cause for each in failing(verdicts).values()} == {scenario_run.fault.cause}, (
        failing(verdicts)
    )

    before = scenario_run.state()
    for remediation in remediations:
        with pytest.raises(
            NothingToFixError, match=rf"(?s){scenario_run.fault.cause}.*change nothing"
        ):
            remediation()
    assert scenario_run.state() == before

    scenario_run.over()

    assert failing(settled()) == {}
    assert pulls.after(scenario_run).by(scenario_run.credential).of(scenario_run.digest)
