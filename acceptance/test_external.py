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
from pullrecovery.tasks.mending import NothingToMendError

pytestmark = pytest.mark.waits


def pytest_generate_tests(metafunc):
    """Every row, for one workload: what a registry says does not depend on the chart."""
    workload = target_of(metafunc.config).workloads[-1]
    rows = [Scenario(fault, workload, VALUES) for fault in FAULTS]
    alone = pytest.mark.partly_alone
    parameters = [pytest.param(row, marks=[alone] if row.fault.alone else []) for row in rows]
    metafunc.parametrize("scenario", parameters, ids=[row.id for row in rows])


@pytest.fixture(name="broken")
def _broken(outage):
    """What the remedies would mend, if they could."""
    return outage


def test_external_cause_is_named_left_alone_and_over_with_its_end(broken, remedies, settled, pulls):
    """The set of failing criteria is exact, and each fails for the row's one cause."""
    verdicts = broken.verdicts()
    assert failing(verdicts).keys() == broken.fault.must_fail, failing(verdicts)
    assert {each.cause for each in failing(verdicts).values()} == {broken.fault.cause}, failing(
        verdicts
    )

    before = broken.state()
    for remedy in remedies:
        with pytest.raises(NothingToMendError, match=rf"(?s){broken.fault.cause}.*change nothing"):
            remedy()
    assert broken.state() == before

    broken.over()

    assert failing(settled()) == {}
    assert pulls.after(broken).by(broken.credential).of(broken.digest)
