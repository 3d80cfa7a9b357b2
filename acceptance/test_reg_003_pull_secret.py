"""REG-003: the pull secret.

The task creates or refreshes the Secret `ghcr-credentials` in the workload's namespace, from a
token with read:packages. The criterion passes if the Secret exists, has the right type and server,
and the registry accepts its token for the package.
"""

import pytest

from pullrecovery.model.verdict import failing, fails, passes
from pullrecovery.tasks.reg_003_pull_secret import reg_003


@pytest.mark.scenarios("REG-003")
def test_bad_pull_secret_recovers(scenario_run, refresh_secret, redeploy, settled, pulls):
    """The Secret is missing or its token is refused: the pull fails with GHCR's message."""
    verdicts = scenario_run.verdicts()
    assert failing(verdicts).keys() == scenario_run.fault.must_fail, failing(verdicts)
    assert verdicts["REG-003"] == verdicts["REG-006"] == fails(scenario_run.fault.cause)

    refresh_secret()

    assert reg_003(scenario_run.observe()) == passes()
    redeploy()
    assert failing(settled()) == {}
    assert pulls.after(refresh_secret).by(refresh_secret.credential).of(scenario_run.digest)
