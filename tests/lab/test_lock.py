"""The lock of the lab: one run at a time, and no leftover process of an earlier one."""

import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import psutil
import pytest

from pullrecovery.common.errors import LabError
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.lab import lock
from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.engine.lock_holder import HeldByAnotherError
from pullrecovery.lab.lock import MARK, is_held_above, locked
from pullrecovery.lab.paths import Paths, default_paths

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
    """Return a function that starts commands with a mark; they end with the test."""
    started = []

    def start(command, mark):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        environment = {**os.environ, MARK: str(mark)}
        process = subprocess.Popen(command, env=environment, cwd=SUITE_ROOT, **pipes)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_second_run_names_lock_holder(paths):
    """The error has its process, its start, and its directory; the lock ends with its owner."""
    started = rf"process {os.getpid()} of \S+, since \d{{4}}-\S+, for the lab in {paths.state} "
    with (
        locked(paths),
        pytest.raises(HeldByAnotherError, match=rf"^Another run uses the lab: {started}\(lock "),
        locked(paths),
    ):
        pytest.fail("two runs hold the lab")

    with locked(paths):
        assert os.environ[MARK] == str(paths.state)
    assert MARK not in os.environ


def test_other_folders_share_machine_lock(tmp_path, paths):
    """The lab's engine and its packet filter rules exist once for each machine."""
    machine = tmp_path / "run" / "pull-recovery.lock"
    machine.parent.mkdir()
    one = replace(paths, machine_lock=machine)
    other = Paths(tmp_path / "other" / "cache", tmp_path / "other" / "state", machine)

    with (
        locked(one),
        pytest.raises(HeldByAnotherError, match=f"for the lab in {one.state} "),
        locked(other),
    ):
        pytest.fail("two runs hold the machine")

    assert list(machine.parent.iterdir()) == []


def test_lock_of_a_killed_run_is_taken_over(paths, start):
    """The file of the lock stays, and no process holds it."""
    code = "import sys; from tests.lab.test_lock import hold; hold(*sys.argv[1:])"
    command = [sys.executable, "-c", code, str(paths.cache), str(paths.state)]
    killed = start(command, "another lab")
    assert killed.stdout.readline() == b"held\n"
    with pytest.raises(HeldByAnotherError, match=f"process {killed.pid} of "), locked(paths):
        pytest.fail("the other run has not been killed yet")

    killed.kill()
    killed.wait()

    with locked(paths):
        assert paths.state.with_name("pull-recovery.lock").exists()
    assert not paths.state.with_name("pull-recovery.lock").exists()


def hold(cache, state):
    """Hold the lock, in the process that is killed."""
    with (
        patch.object(lock, "running_engine", lambda _: None),
        locked(Paths(Path(cache), Path(state))),
    ):
        print("held", flush=True)
        sys.stdin.read()


def test_symlinked_lock_is_refused(paths, tmp_path):
    """A link could make the lab empty another file."""
    precious = tmp_path / "precious"
    precious.write_text("content")
    paths.state.mkdir(parents=True)
    paths.state.with_name("pull-recovery.lock").symlink_to(precious)

    with pytest.raises(LabError, match=r"pull-recovery\.lock cannot be opened: "), locked(paths):
        pytest.fail("the link was followed")

    assert precious.read_text() == "content"


def test_removed_lock_is_recreated(paths, monkeypatch):
    """The earlier holder removes the file between the opening and the locking of it."""
    file, flock = paths.state.with_name("pull-recovery.lock"), lock.fcntl.flock
    paths.state.mkdir(parents=True)
    removals = [file]

    def remove_and_lock(descriptor, operation):
        while removals:
            removals.pop().unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(lock.fcntl, "flock", remove_and_lock)

    with (
        locked(paths),
        pytest.raises(HeldByAnotherError, match=f"process {os.getpid()} of "),
        locked(paths),
    ):
        pytest.fail("the first run holds a file that is gone")


@pytest.mark.parametrize(("uid", "held"), [(0, True), (1000, False)], ids=["root", "user"])
def test_machine_is_held_by_root_alone(monkeypatch, tmp_path, uid, held):
    """Another user could neither write the directory of that lock nor start the lab's engine."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr("pullrecovery.lab.paths._RUN", tmp_path)

    lock_of_the_machine = tmp_path / "pull-recovery.lock" if held else None
    assert default_paths().machine_lock == lock_of_the_machine


def test_user_engine_is_locked(paths, monkeypatch):
    """The lab's own engine is root's, whose runs hold the machine."""
    asked = []
    monkeypatch.setattr(lock, "engine_lock", lambda engine, *_: nullcontext(asked.append(engine)))
    own, users = Engine("unix:///own", owned=True), Engine("unix:///users", owned=False)

    for engine in (own, users):
        monkeypatch.setattr(lock, "running_engine", lambda _, engine=engine: engine)
        with locked(paths):
            pass

    assert asked == [users]


def test_child_sees_lab_locked(paths, monkeypatch):
    """A process of an ended run, of another lab or of no run must take the lock itself."""
    monkeypatch.setenv(MARK, str(paths.state))
    assert is_held_above(paths) is False
    with locked(paths):
        assert is_held_above(paths) is True
        assert is_held_above(Paths(paths.cache, paths.state / "other")) is False
    assert is_held_above(paths) is False


def test_leftover_process_is_stopped(paths, start):
    """A command of another lab, or of none, goes on."""
    left, other = start(WAITS, paths.state), start(WAITS, paths.state / "other")
    said = []

    with locked(paths, said.append):
        assert not psutil.pid_exists(left.pid)
        assert other.poll() is None

    name = psutil.Process().name()
    assert said == [f"ended what an earlier run left running: {name} ({left.pid})"]


def test_command_that_will_not_end_is_killed(monkeypatch, paths, start):
    """The command is killed after SIGTERM."""
    monkeypatch.setattr("pullrecovery.lab.lock._GRACE", 0.2)
    left = start(STUBBORN, paths.state)
    left.stdout.readline()

    with locked(paths):
        assert not psutil.pid_exists(left.pid)


def test_half_made_folders_are_swept(paths):
    """The cache loses half-made directories, but not below those that clean up themselves."""
    swept = [paths.cache / ".context.a1", paths.tools / ".kind-0123.b2"]
    kept = [paths.tools / "kind-0123", paths.engine_data / ".left.alone"]
    for folder in (*swept, *kept):
        folder.mkdir(parents=True)
        (folder / "file").touch()

    with locked(paths):
        assert [folder.exists() for folder in (*swept, *kept)] == [False, False, True, True]


def test_children_end_with_run(paths, start):
    """An interrupt may leave grandchildren without a waiting parent."""
    left = []

    def interrupted():
        with locked(paths):
            left.append(start(WAITS, paths.state))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not psutil.pid_exists(left[0].pid)
