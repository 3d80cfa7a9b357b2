"""The stand-in's names off the lab's network and on it again, before an engine of our own."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from docker.errors import APIError, NotFound

from pullrecovery.errors import LabError
from pullrecovery.lab import naming
from pullrecovery.lab.naming import names_dropped
from pullrecovery.lab.network import ensure_network
from pullrecovery.lab.paths import LABEL, NAME
from pullrecovery.lab.stand_in import CONTAINER

NAMES = ["ghcr.io", "pkg-containers.githubusercontent.com", "api.github.com"]
ADDRESS = "172.18.0.9"


class Engine:
    """One container on one network; an address can be asked for where the subnet was said."""

    def __init__(self, *, subnet_said=True):
        self.subnet_said = subnet_said
        self.endpoint = {"Aliases": list(NAMES), "IPAddress": ADDRESS}
        self.seen = []
        self.networks = self.containers = self
        self.attrs = {}
        self.reload()

    def get(self, name):
        assert name in {NAME, CONTAINER}
        return self

    def reload(self):
        there = {} if self.endpoint is None else {NAME: self.endpoint}
        self.attrs = {"NetworkSettings": {"Networks": there}}

    def disconnect(self, container):
        assert container is self
        if self.endpoint is None:
            raise NotFound("not connected")
        self.endpoint = None

    def connect(self, container, *, aliases, ipv4_address=None):
        assert container is self
        assert self.endpoint is None
        if ipv4_address and not self.subnet_said:
            raise APIError("no", explanation="only with user configured subnets")
        self.endpoint = {"Aliases": aliases, "IPAddress": ipv4_address or "172.18.0.77"}
        self.seen.append(self.endpoint)


class StandIn:
    """Answers at once."""

    def control(self, timeout):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def instance(self):
        return "alive"


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, ValueError])
def test_names_are_dropped_in_the_block_and_there_after_it(error):
    """All of them, at the same address, whatever happens in the block."""
    engine = Engine()

    def block():
        with names_dropped(engine, StandIn()):
            during.append(engine.endpoint)
            if error:
                raise error

    during = []
    if error:
        with pytest.raises(error):
            block()
    else:
        block()

    assert during == [{"Aliases": [], "IPAddress": ADDRESS}]
    assert engine.endpoint == {"Aliases": NAMES, "IPAddress": ADDRESS}


def test_names_come_back_when_the_stand_in_was_taken_off_the_network_meanwhile():
    """The undoing does not rely on what the doing left."""
    engine = Engine()
    with names_dropped(engine, StandIn()):
        engine.disconnect(engine)

    assert engine.endpoint == {"Aliases": NAMES, "IPAddress": ADDRESS}


def test_network_that_gives_no_address_twice_is_told_and_the_names_are_there():
    """A lab of before cannot do it, and is left in use."""
    engine = Engine(subnet_said=False)
    with (
        pytest.raises(LabError, match=r"cannot keep 172\.18\.0\.9.*raise the lab anew"),
        names_dropped(engine, StandIn()),
    ):
        pytest.fail("it cannot be done")

    assert engine.endpoint["Aliases"] == NAMES


def test_stand_in_that_is_not_on_the_network_is_told():
    """Nothing is changed then."""
    engine = Engine()
    engine.endpoint = None
    with pytest.raises(LabError, match="is not on the network"), names_dropped(engine, StandIn()):
        pytest.fail("it cannot be done")

    assert engine.seen == []


def test_answer_is_awaited_after_each_change(monkeypatch):
    """The published ports are gone for a moment."""
    waits = []
    monkeypatch.setattr(naming, "_wait_until_it_answers", waits.append)
    stand_in = StandIn()
    with names_dropped(Engine(), stand_in):
        assert waits == [stand_in]

    assert waits == [stand_in] * 2


class Asking:
    """A container with a resolv.conf, in which scripts are run."""

    name = "runner"

    def __init__(self, exit_code=0):
        self.ran = []
        self.exit_code = exit_code

    def exec_run(self, command):
        self.ran.append(command)
        return SimpleNamespace(exit_code=self.exit_code, output=b"read-only file system")


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_those_who_ask_are_impatient_in_the_block_alone(monkeypatch, error):
    """What stood in their resolv.conf stands there again, whatever happened."""
    engine, asking = Engine(), Asking()
    monkeypatch.setattr(engine, "get", lambda name: asking if name == "runner" else engine)

    with (
        pytest.raises(error) if error else nullcontext(),
        names_dropped(engine, StandIn(), asking=["runner"]),
    ):
        (before,) = asking.ran
        if error:
            raise error

    assert "options timeout:1 attempts:1" in before[-1]
    assert [each[-1] for each in asking.ran[1:]] == [
        "cat /run/resolv.conf.kept > /etc/resolv.conf && rm /run/resolv.conf.kept"
    ]


def test_resolver_that_cannot_be_set_is_told():
    """Before any name is dropped."""
    engine, asking = Engine(), Asking(exit_code=1)
    engine.get = lambda name: asking if name == "runner" else engine

    with (
        pytest.raises(LabError, match=r"runner: cp .*read-only file system"),
        names_dropped(engine, StandIn(), asking=["runner"]),
    ):
        pytest.fail("it cannot be done")

    assert engine.seen == []


class Networks:
    """An engine's networks, and what they were made with."""

    def __init__(self):
        self.made = []
        self.here = None
        self.networks = self

    def get(self, name):
        raise NotFound(name)

    def create(self, name, *, driver, labels, ipam=None):
        assert self.here is None
        self.here = name
        self.made.append((name, driver, labels, ipam))
        return self

    def reload(self):
        self.attrs = {"IPAM": {"Config": [{"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}]}}

    def remove(self):
        self.here = None


def test_network_is_made_with_a_subnet_that_is_said():
    """The one that the engine chose: it fits this machine."""
    engine = Networks()
    ensure_network(engine)
    first, second = engine.made

    assert engine.here == NAME
    assert first == (NAME, "bridge", {LABEL: "network"}, None)
    assert second[:3] == first[:3]
    assert second[3]["Config"] == [
        {
            "Subnet": "172.18.0.0/16",
            "Gateway": "172.18.0.1",
            "IPRange": None,
            "AuxiliaryAddresses": None,
        }
    ]
