"""External causes: what lies beyond the target, and what no task mends.

A release in good order is due a new image, and the registry, the network, the certificate or the
name fails meanwhile. It must be named, by the same cause for pod, Secret and operator's clients;
nothing may be remedied; and when it is over, all must hold again.
"""

import pytest

from fixtures.plugin.options import target_of
from fixtures.scenario.matrix import Scenario
from fixtures.scenario.scenario import failing
from pullrecovery.faults.external import FAULTS
from pullrecovery.faults.rows import VALUES
from pullrecovery.tasks.fixable import NothingToFixError

pytestmark = pytest.mark.waits


def pytest_generate_tests(metafunc):
    """Every row, for one workload: what a registry says does not depend on the chart."""
    workload = target_of(metafunc.config).workloads[-1]
    rows = [Scenario(fault, workload, VALUES) for fault in FAULTS]
    exclusive = pytest.mark.partly_exclusive
    parameters = [
        pytest.param(row, marks=[exclusive] if row.fault.exclusive else []) for row in rows
    ]
    metafunc.parametrize("scenario", parameters, ids=[row.id for row in rows])


@pytest.fixture(name="scenario_run")
def _broken(outage):
    """What the remedies would mend, if they could."""
    return outage


def test_external_cause_is_named_and_ends(scenario_run, remediations, settled, pulls):
    """The set of failing criteria is exact, and each fails for the row's one cause."""
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
