"""Privileged containers, such as kind's node, on a machine that may lack a capability."""

import pytest
from docker.errors import APIError

from pullrecovery.lab.engine.capabilities import read_capabilities
from pullrecovery.lab.engine.dockerd import RUNTIME
from pullrecovery.lab.engine.one_off import one_off_name
from pullrecovery.lab.paths import LABEL
from pullrecovery.lab.registry.container import CONTAINER


@pytest.fixture(name="run_privileged")
def _run_privileged(engine_client):
    """Run a privileged container with one runtime, and remove it."""
    image = engine_client.containers.get(CONTAINER).image

    def run(runtime):
        container = engine_client.containers.create(
            image,
            entrypoint=["true"],
            privileged=True,
            runtime=runtime,
            network_mode="none",
            name=one_off_name(),
            labels={LABEL: "trial"},
        )
        try:
            container.start()
            return container.wait()["StatusCode"]
        finally:
            container.remove(force=True)

    return run


def test_runtime_drops_missing_capability(engine_client, run_privileged, lab):
    """If a capability is missing, only the lab's runtime works; otherwise runc works too."""
    needed = lab.engine.owned and not read_capabilities().complete

    assert (engine_client.info()["DefaultRuntime"] == RUNTIME) is needed
    if needed:
        with pytest.raises(APIError, match="unable to apply caps"):
            run_privileged("runc")
        assert run_privileged(RUNTIME) == 0
    else:
        assert run_privileged(None) == 0
