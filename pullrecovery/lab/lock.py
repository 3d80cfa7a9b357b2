"""One run at a time holds the lab, and what an earlier one left running is ended first."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
from filelock import FileLock, Timeout

from pullrecovery.errors import LabError
from pullrecovery.lab.content import sweep_scratch
from pullrecovery.lab.paths import NAME, Paths

# In the environment of all that a run starts.
MARK = "PULL_RECOVERY_RUN"
# An engine is meant to outlive the run that started it.
_ENGINE = ("dockerd", "containerd", "docker-proxy")
_GRACE = 10.0


@contextmanager
def locked(paths: Paths, say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Hold the lab against other runs; the lock ends with its process.

    A killed run may leave commands running and half-made folders: both are removed
    when the next one begins, as only the holder of the lock can tell that nobody needs them.
    Raises LabError where another run holds it.
    """
    paths.state.mkdir(parents=True, exist_ok=True)
    lock = _lock(paths)
    try:
        with lock.acquire(timeout=0):
            for left in end_left_over(paths):
                say(f"ended what an earlier run left running: {left}")
            sweep_scratch(paths.cache)
            os.environ[MARK] = str(paths.state)
            try:
                yield
            finally:
                end_left_over(paths)
                del os.environ[MARK]
    except Timeout as error:
        raise LabError(
            f"Another run uses the lab (it holds {lock.lock_file}); wait for it to end."
        ) from error


def is_held_above(paths: Paths) -> bool:
    """Whether the run that holds the lab started this process, which may then use it as it is."""
    if os.environ.get(MARK) != str(paths.state):
        return False
    try:
        with _lock(paths).acquire(timeout=0):
            # That run has ended, or was killed.
            return False
    except Timeout:
        return True


def _lock(paths: Paths) -> FileLock:
    return FileLock(paths.state.with_name(f"{NAME}.lock"))


def end_left_over(paths: Paths) -> list[str]:
    """End every process that a run of this lab started, but ourselves; returns their names."""
    ours = str(paths.state)
    found = [p for p, mark in marked_processes() if mark == ours and p.pid != os.getpid()]
    names = [name_of(each) for each in found]
    for each in found:
        _quietly(each.terminate)
    _, stubborn = psutil.wait_procs(found, timeout=_GRACE)
    for each in stubborn:
        _quietly(each.kill)
    psutil.wait_procs(stubborn, timeout=_GRACE)
    return names


def marked_processes() -> Iterator[tuple[psutil.Process, str]]:
    """Every process that a run of any lab started, with the mark that names the lab."""
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(MARK)
            engine = process.name().startswith(_ENGINE)
        except (psutil.Error, OSError):
            # Ended meanwhile, or another user's.
            continue
        if mark and not engine:
            yield process, mark


def name_of(process: psutil.Process) -> str:
    """Name and pid, for people."""
    try:
        return f"{process.name()} ({process.pid})"
    except psutil.Error:
        return str(process.pid)


def _quietly(signal: Callable[[], None]) -> None:
    """Send a signal to a process that may have ended by itself since it was found."""
    try:
        signal()
    except psutil.NoSuchProcess:
        return
