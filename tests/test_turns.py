"""Turns of tests that share one lab, by the lock that they hold."""

import fcntl
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from fixtures.plugin.exclusive import Turn, names_held


@pytest.fixture(name="lock")
def _lock(tmp_path):
    with (tmp_path / "turn.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield lock


def _others_may_run(lock):
    with open(lock.name, "w") as other:  # noqa: PTH123 - the lock knows its name alone
        return _may(fcntl.LOCK_SH, other)


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


def _row(*marks, literal=""):
    params = {"scenario": SimpleNamespace(literal=literal)}
    return SimpleNamespace(
        callspec=SimpleNamespace(params=params),
        get_closest_marker=lambda name: name if name in marks else None,
    )


@pytest.mark.parametrize(
    ("rows", "shared", "free"),
    [
        ([_row()], True, True),
        ([_row(literal="pin"), _row(literal="latest")], True, False),
        ([_row("all_names")], False, False),
    ],
    ids=["a name of its own", "rows of the literal names", "all of those"],
)
def test_literal_names_are_shared_by_their_rows_and_kept_from_who_uses_them_all(
    tmp_path, rows, shared, free
):
    """A row of one workload does not wait for those of another."""
    path = tmp_path / "names.lock"
    path.touch()
    with ExitStack() as stack, path.open("w") as other:
        for row in rows:
            stack.enter_context(names_held(row, path))
        assert _may(fcntl.LOCK_EX, other) is free
        assert _may(fcntl.LOCK_SH, other) is shared


def _may(how, lock):
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
