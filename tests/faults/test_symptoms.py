"""Check how a symptom is awaited, with symptoms and a sandbox that only these tests have."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import ClassVar

import pytest

from pullrecovery.common import wait
from pullrecovery.common.wait import WaitError
from pullrecovery.faults import FAULTS
from pullrecovery.faults.rows import Fault
from pullrecovery.faults.symptoms import (
    ChartSymptom,
    ClientSymptom,
    NotShown,
    Shown,
    Symptom,
    WorkflowSymptom,
    await_symptom,
    printed,
    run_shows,
)
from pullrecovery.model.verdict import Cause

OUTSIDE = SimpleNamespace(in_cluster=False, recorder=None)


@dataclass(frozen=True)
class Light(Symptom):
    """A symptom of a kind that no fault has: one class is all that it takes."""

    surface: ClassVar[str] = "light"

    looks: list[object]
    calls: list[object] = field(default_factory=list)

    @property
    def awaited(self):
        return "the light is on"

    def prepare(self, sandbox, *, deployed):
        self.calls.append(("prepare", deployed))

    def check(self, sandbox, since):
        self.calls.append("check")
        return self.looks.pop(0)


@pytest.fixture(autouse=True)
def _no_time(monkeypatch):
    """Let no time pass between two looks."""
    monkeypatch.setattr(wait.time, "sleep", lambda _: None)


SHOWN = Shown("light", "on", datetime.now(UTC))


def test_symptom_is_prepared_before_looks():
    """The symptom is prepared once, and checked until a look finds it."""
    light = Light([NotShown("off"), NotShown("off"), SHOWN])

    assert await_symptom(light, OUTSIDE, deployed=True) is SHOWN
    assert light.calls == [("prepare", True), "check", "check", "check"]


def test_final_state_ends_the_wait():
    """The error has the symptom and what was seen in its place."""
    light = Light([NotShown("broken", final=True), SHOWN])

    with pytest.raises(WaitError, match=r"the light is on: .*broken"):
        await_symptom(light, OUTSIDE, deployed=False)
    assert light.calls == [("prepare", False), "check"]


def test_absent_symptom_is_an_error(monkeypatch):
    """After the time limit, the error has the last look."""
    monkeypatch.setattr("pullrecovery.faults.symptoms.SYMPTOM_WITHIN", 0.0)

    with pytest.raises(WaitError, match=r"the light is on: .*dim"):
        await_symptom(Light([NotShown("dim")]), OUTSIDE, deployed=False)


def test_look_in_cluster_follows_recorder(monkeypatch):
    """News of a pod ends the pause between two looks."""
    pauses = []
    sandbox = SimpleNamespace(recorder=SimpleNamespace(pause=pauses.append))

    await_symptom(Light([NotShown("off"), SHOWN]), sandbox, deployed=True)

    assert pauses == [1.0]


@pytest.mark.parametrize(
    ("symptom", "reg", "kind"),
    [
        (Light([]), "REG-003", ClientSymptom),
        (Light([]), "REG-005", ChartSymptom),
        (printed("denied"), "REG-005", ClientSymptom),
        (run_shows("denied"), "REG-002", WorkflowSymptom),
    ],
)
def test_symptom_without_cluster_shows_elsewhere(symptom, reg, kind):
    """A symptom of the cluster shows in the chart or at a client; others show as they are."""
    fault = Fault("off", reg, Cause.UNKNOWN, frozenset(), symptom, lambda _: None)

    assert isinstance(fault.symptom_in(OUTSIDE), kind)
    assert fault.symptom_in(SimpleNamespace(in_cluster=True)) is symptom


def test_workflow_symptom_needs_a_run():
    """Without a run of the workflow there is nothing to look at."""
    look = run_shows("denied").check(SimpleNamespace(run=None), datetime.now(UTC))

    assert look == NotShown("the workflow was not run", final=True)


def test_every_symptom_names_its_surface():
    """Acceptance tests select rows by the surface."""
    assert all(fault.symptom.surface and fault.symptom.awaited for fault in FAULTS)
