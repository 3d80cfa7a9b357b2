"""Turns of tests that share one lab, by the lock that they hold."""

import fcntl

import pytest

from fixtures.turns import Turn


@pytest.fixture(name="lock")
def _lock(tmp_path):
    with (tmp_path / "turn.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield lock


def _others_may_run(lock):
    with open(lock.name, "w") as other:  # noqa: PTH123 - the lock knows its name alone
        try:
            fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_block_that_is_alone_keeps_others_out_until_its_end(lock):
    """Also where it ends in an error."""
    assert _others_may_run(lock)

    with pytest.raises(RuntimeError):
        _break_down_alone(lock)

    assert _others_may_run(lock)


def _break_down_alone(lock):
    with Turn(lock).alone():
        assert not _others_may_run(lock)
        raise RuntimeError
