"""Waits, with a clock that advances only by sleeps."""

from dataclasses import dataclass, field

import pytest

from pullrecovery.common.errors import Exit
from pullrecovery.common.wait import WaitError, wait_for


@dataclass
class Clock:
    """A fake of the module `time`."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture(name="clock", autouse=True)
def _clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("pullrecovery.common.wait.time", clock)
    return clock


def _states(*states):
    """Return an observation that returns one state after another, and then always the last."""
    left = list(states)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_ready_state_costs_no_sleep(clock):
    """The state is read before the first sleep."""
    assert wait_for("x", lambda: "up", lambda state: state == "up", timeout=5) == "up"
    assert clock.slept == []


def test_first_ready_state_is_returned(clock):
    """The state is read every `interval` seconds."""
    seen = wait_for("x", _states(1, 2, 3, 4), lambda n: n >= 3, timeout=5, interval=0.5)

    assert seen == 3
    assert clock.slept == [0.5, 0.5]


def test_state_ready_at_deadline_is_returned():
    """The state is read once more after the last sleep."""
    assert wait_for("x", _states(1, 1, 2), lambda n: n == 2, timeout=1, interval=0.5) == 2


def test_no_timeout_means_one_look():
    """A wait without time succeeds if the state is ready."""
    assert wait_for("x", lambda: 7, lambda n: n == 7, timeout=0) == 7

    with pytest.raises(WaitError, match=r"^x: not after 0\.0 s, last seen: 7$"):
        wait_for("x", lambda: 7, lambda n: n == 8, timeout=0)


def test_wait_error_names_condition_and_state(clock):
    """The error has the condition, the time and the last state."""
    with pytest.raises(WaitError) as caught:
        wait_for("the pod is Ready", _states(1, 2, 3), lambda _: False, timeout=2, interval=1)

    assert str(caught.value) == "the pod is Ready: not after 2.0 s, last seen: 3"
    assert clock.slept == [1, 1]


def test_terminal_state_ends_the_wait_at_once(clock):
    """A wait ends early at a state from which success is impossible."""
    with pytest.raises(WaitError) as caught:
        wait_for(
            "the engine answers",
            _states("starting", "dead", "up"),
            lambda state: state == "up",
            failed=lambda state: state == "dead",
            timeout=60,
            interval=1,
        )

    assert str(caught.value) == "the engine answers: cannot happen any more, seen: dead"
    assert clock.slept == [1]


def test_ready_wins_over_failed():
    """A state that is ready and failed counts as ready."""
    assert wait_for("x", lambda: 1, lambda _: True, failed=lambda _: True, timeout=1) == 1


def test_state_is_described_as_asked():
    """The caller describes the state, because not every state is fit to print."""
    with pytest.raises(WaitError, match=r"last seen: two words$"):
        wait_for(
            "x",
            lambda: ["two", "words"],
            lambda _: False,
            describe=" ".join,
            timeout=0,
        )


def test_look_error_is_not_swallowed():
    """An exception while reading the state is raised to the caller."""
    with pytest.raises(ZeroDivisionError):
        wait_for("x", lambda: 1 // 0, bool, timeout=5)


def test_failed_wait_is_unknown():
    """A timeout never counts as a fail."""
    assert WaitError("x").exit == Exit.UNKNOWN == 2


def test_wait_with_own_pause_does_not_sleep(clock):
    """The pause gets the remaining seconds, and the state is read as soon as it returns."""
    paused = []

    wait_for("x", _states(1, 2, 3), lambda n: n == 3, timeout=5, interval=0.5, pause=paused.append)

    assert paused == [0.5, 0.5]
    assert clock.slept == []
