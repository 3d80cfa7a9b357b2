"""The network of the lab, on its own engine."""

from types import SimpleNamespace

import pytest
from docker.errors import NotFound

from pullrecovery.common.errors import LabError
from pullrecovery.lab.engine.network import ensure_network
from pullrecovery.lab.paths import LABEL, NAME


class Engine:
    """A fake engine's networks: their labels by their names."""

    def __init__(self, **labels):
        self.networks = self
        self.here = labels

    def get(self, name):
        if name not in self.here:
            raise NotFound(name)
        return SimpleNamespace(attrs={"Labels": self.here[name]})

    def create(self, name, *, driver, labels):
        assert driver == "bridge"
        self.here[name] = labels


def test_network_is_labelled_and_reused():
    """The label identifies the network for reuse and for removal."""
    engine = Engine()
    ensure_network(engine)
    ensure_network(engine)

    assert engine.here == {NAME: {LABEL: "network"}}


def test_foreign_network_is_kept():
    """A network without the label may be in use, and lead elsewhere."""
    engine = Engine(**{NAME: None})

    with pytest.raises(LabError, match=f"docker network rm {NAME}"):
        ensure_network(engine)

    assert engine.here == {NAME: None}
