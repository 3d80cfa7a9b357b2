"""The removal of a release that the gate started, after its judgement."""

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from pullrecovery.common.process import CommandError
from pullrecovery.gate.run import start_charts as starting
from pullrecovery.model.target import Visibility
from pullrecovery.world.world import World
from tests.fakes.recorded import GOOD


@dataclass(frozen=True)
class Lab(World):
    """A world that records what is done, and fails at one of the steps."""

    fails_at: str = ""
    error: Exception | None = None
    done: list = field(default_factory=list)

    def issue_token(self):
        return None

    def step(self, name):
        self.done.append(name)
        if name == self.fails_at:
            raise self.error or LookupError(name)
        return self


def _lab(fails_at="", error=None):
    return Lab(GOOD.target, *[None] * 9, fails_at=fails_at, error=error)


@pytest.fixture(name="start")
def _start(monkeypatch):
    """Return a function that starts a private workload in this lab, and ends it at once."""
    core = SimpleNamespace()
    monkeypatch.setattr(World, "core", core)

    @contextmanager
    def start(lab):
        core.delete_namespace = lambda _: lab.step("delete")
        recorder = SimpleNamespace(start=lambda: lab.step("record"), end=lambda: lab.step("end"))
        monkeypatch.setattr(starting, "EventRecorder", lambda *_: recorder)
        monkeypatch.setattr(starting, "_put_secret", lambda *_: lab.step("secret"))
        helm = SimpleNamespace(uninstall=lambda *_, hooks: lab.step("uninstall"))
        namespace = SimpleNamespace(helm=helm, forget=lambda: lab.step("forget"))
        monkeypatch.setattr(
            starting, "make_chart_namespace", lambda *_: lab.step("namespace") and namespace
        )
        workload = replace(GOOD.workload, visibility=Visibility.PRIVATE)
        with starting._start_namespace(lab, workload) as started:
            yield started

    return start


REMOVED = ["end", "uninstall", "forget", "delete"]


def test_release_is_uninstalled_before_namespace(start):
    """The chart's hooks are not run, because the gate would wait for them."""
    lab = _lab()
    with start(lab):
        lab.step("judge")

    assert lab.done == ["namespace", "secret", "record", "judge", *REMOVED]


def test_failed_uninstall_still_deletes_namespace(start):
    """The gate ends with Helm's error, and everything else is deleted."""
    lab = _lab("uninstall", CommandError(["helm", "uninstall"], 1, "Error: timed out"))

    with pytest.raises(CommandError, match="timed out"), start(lab):
        lab.step("judge")

    assert lab.done[-4:] == REMOVED


@pytest.mark.parametrize(
    ("step", "removed"), [("namespace", ["delete"]), ("secret", REMOVED), ("record", REMOVED)]
)
def test_set_up_that_fails_leaves_nothing(start, step, removed):
    """What was created until then is deleted, and the first error is raised."""
    lab = _lab(step)

    with pytest.raises(LookupError, match=step), start(lab):
        pytest.fail("it started")

    assert lab.done[lab.done.index(step) + 1 :] == removed
