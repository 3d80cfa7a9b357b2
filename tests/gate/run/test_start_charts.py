"""The removal of a release that the gate started, after its judgement."""

from types import SimpleNamespace

import pytest

from pullrecovery.common.process import CommandError
from pullrecovery.gate.run import start_charts as starting
from tests.fakes.recorded import GOOD


class World:
    """A fake world that records what is uninstalled and deleted; Helm may fail."""

    def __init__(self, error=None):
        self.error, self.done = error, []
        self.helm = self.core = self

    def uninstall(self, workload, *, hooks):
        self.done.append(("uninstall", workload.name, hooks))
        if self.error:
            raise self.error

    def delete_namespace(self, name):
        self.done.append(("delete", name))


EXPECTED = [
    ("uninstall", GOOD.workload.name, False),
    ("delete", GOOD.workload.namespace),
    ("forget",),
]


def _sandbox(world):
    return SimpleNamespace(forget=lambda: world.done.append(("forget",)))


def test_release_is_uninstalled_before_namespace():
    """The chart's hooks are not run, because the gate would wait for them."""
    world = World()

    starting._remove(world, GOOD.workload, _sandbox(world))

    assert world.done == EXPECTED


def test_failed_uninstall_still_deletes_namespace():
    """The gate ends with Helm's error, and everything else is deleted."""
    world = World(CommandError(["helm", "uninstall"], 1, "Error: timed out"))

    with pytest.raises(CommandError, match="timed out"):
        starting._remove(world, GOOD.workload, _sandbox(world))

    assert world.done == EXPECTED
