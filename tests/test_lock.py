"""One run at a time, and nothing of an earlier one left running."""

import os
import subprocess
import sys

import psutil
import pytest

from pullrecovery.errors import LabError
from pullrecovery.lab.lock import MARK, is_held_above, locked
from pullrecovery.lab.paths import Paths

WAITS = [sys.executable, "-c", "import sys; sys.stdin.read()"]
DEAF = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
sys.stdin.read()
"""
STUBBORN = [sys.executable, "-c", DEAF]


@pytest.fixture(name="paths")
def _paths(tmp_path):
    return Paths(tmp_path / "cache", tmp_path / "state")


@pytest.fixture(name="start")
def _start():
    """Starts commands with a mark, and ends them whatever happens."""
    started = []

    def start(command, mark):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen(command, env={**os.environ, MARK: str(mark)}, **pipes)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_second_run_is_refused_and_the_lock_is_named(paths):
    """It is over when its owner is."""
    with (
        locked(paths),
        pytest.raises(LabError, match=r"^Another run uses the lab \(it holds "),
        locked(paths),
    ):
        pytest.fail("two runs hold the lab")

    with locked(paths):
        assert os.environ[MARK] == str(paths.state)
    assert MARK not in os.environ


def test_lab_is_held_above_what_its_run_started(paths, monkeypatch):
    """A process of a run that has ended, of another lab or of no run must take the lock itself."""
    monkeypatch.setenv(MARK, str(paths.state))
    assert is_held_above(paths) is False
    with locked(paths):
        assert is_held_above(paths) is True
        assert is_held_above(Paths(paths.cache, paths.state / "other")) is False
    assert is_held_above(paths) is False


def test_what_a_killed_run_left_running_is_ended_and_named(paths, start):
    """A command of another lab's, or of nobody's, goes on."""
    left, other = start(WAITS, paths.state), start(WAITS, paths.state / "other")
    said = []

    with locked(paths, said.append):
        assert not psutil.pid_exists(left.pid)
        assert other.poll() is None

    name = psutil.Process().name()
    assert said == [f"ended what an earlier run left running: {name} ({left.pid})"]


def test_command_that_will_not_end_is_killed(monkeypatch, paths, start):
    """After it was asked."""
    monkeypatch.setattr("pullrecovery.lab.lock._GRACE", 0.2)
    left = start(STUBBORN, paths.state)
    left.stdout.readline()

    with locked(paths):
        assert not psutil.pid_exists(left.pid)


def test_half_made_folders_are_swept(paths):
    """At the top of the cache and in its folders, but not in those that keep order themselves."""
    swept = [paths.cache / ".context.a1", paths.tools / ".kind-0123.b2"]
    kept = [paths.tools / "kind-0123", paths.engine_data / ".left.alone"]
    for folder in (*swept, *kept):
        folder.mkdir(parents=True)
        (folder / "file").touch()

    with locked(paths):
        assert [folder.exists() for folder in (*swept, *kept)] == [False, False, True, True]


def test_what_an_ended_run_started_ends_with_it(paths, start):
    """An interrupt may leave grandchildren that nobody waits for."""
    left = []

    def interrupted():
        with locked(paths):
            left.append(start(WAITS, paths.state))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not psutil.pid_exists(left[0].pid)
