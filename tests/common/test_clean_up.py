"""Check that every clean-up runs, and that the first error is raised."""

from contextlib import contextmanager

import pytest

from pullrecovery.common.clean_up import CleanUp


def _failing(name):
    def step():
        raise LookupError(name)

    return step


def test_clean_ups_run_last_first():
    """Without an error, each runs once, at the end."""
    calls = []
    with CleanUp() as clean_up:
        clean_up.add(lambda: calls.append("first"))
        clean_up.add(lambda: calls.append("second"))
        assert calls == []

    assert calls == ["second", "first"]


def _end(*steps, block=lambda _: None):
    """Run a block with these clean-ups."""
    with CleanUp() as clean_up:
        for step in steps:
            clean_up.add(step)
        block(clean_up)


def test_failed_clean_up_stops_no_other():
    """The first error is raised, and has the others as notes."""
    calls = []
    with pytest.raises(LookupError, match="two") as raised:
        _end(lambda: calls.append("done"), _failing("one"), _failing("two"))

    assert calls == ["done"]
    assert raised.value.__notes__ == ["Cleaning up failed too: LookupError: one"]


def test_error_of_the_block_comes_first():
    """A clean-up that fails does not hide why the block failed."""
    with pytest.raises(LookupError, match="block") as raised:
        _end(_failing("one"), block=lambda _: _failing("block")())

    assert raised.value.__notes__ == ["Cleaning up failed too: LookupError: one"]


def test_entered_block_is_left():
    """A block that is entered is a clean-up like the others."""
    calls = []

    @contextmanager
    def block():
        calls.append("in")
        yield "value"
        calls.append("out")

    with CleanUp() as clean_up:
        assert clean_up.enter(block()) == "value"
        assert calls == ["in"]
    assert calls == ["in", "out"]


def test_block_that_cannot_be_entered_is_not_left():
    """Its error is raised, after the clean-ups that were added before it."""
    calls = []

    @contextmanager
    def block():
        raise LookupError("no entry")
        yield

    with pytest.raises(LookupError, match="no entry"):
        _end(lambda: calls.append("done"), block=lambda clean_up: clean_up.enter(block()))
    assert calls == ["done"]
