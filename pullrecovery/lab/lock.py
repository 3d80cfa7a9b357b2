"""One run at a time holds the lab, and what an earlier one left running is ended first."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from pullrecovery.common.errors import LabError
from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.engine.engine_lock import engine_lock
from pullrecovery.lab.engine.lock_holder import HeldByAnotherError, Holder
from pullrecovery.lab.engine.select_engine import running_engine
from pullrecovery.lab.paths import NAME, Paths
from pullrecovery.lab.tools.content_cache import sweep_scratch

# In the environment of all that a run starts.
MARK = "PULL_RECOVERY_RUN"
# An engine is meant to outlive the run that started it.
_ENGINE = ("dockerd", "containerd", "docker-proxy")
_GRACE = 10.0
# Bytes; the record of a holder has some hundreds.
_LONGEST = 10_000


@contextmanager
def locked(paths: Paths, say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Hold the lab against other runs; the locks end with its process.

    There are three: of the state folder; of the machine, for root's runs, as the lab's own engine
    and its packet filter rules exist once; and of an engine of the user's, as containers have the
    same names in each lab. A killed run may leave commands running and half-made folders: both are
    removed when the next one begins, as only the holder of the lab can tell that nobody needs them.
    Raises LabError where another run holds one of the three.
    """
    paths.state.mkdir(parents=True, exist_ok=True)
    holder = Holder.this_process(paths.state)
    with ExitStack() as held:
        for file in filter(None, (paths.machine_lock, _state_lock(paths))):
            held.enter_context(_file_lock(file, holder))
        engine = _users_engine(paths)
        if engine:
            held.enter_context(engine_lock(engine, holder, say))
        for left in stop_left_over(paths):
            say(f"ended what an earlier run left running: {left}")
        sweep_scratch(paths.cache)
        os.environ[MARK] = str(paths.state)
        try:
            yield
        finally:
            stop_left_over(paths)
            del os.environ[MARK]


def is_held_above(paths: Paths) -> bool:
    """Whether the run that holds the lab started this process, which may then use it as it is."""
    if os.environ.get(MARK) != str(paths.state):
        return False
    try:
        descriptor = os.open(_state_lock(paths), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        # That run has ended.
        return False
    try:
        # It may have been killed.
        return not _flock(descriptor)
    finally:
        os.close(descriptor)


def _state_lock(paths: Paths) -> Path:
    return paths.state.with_name(f"{NAME}.lock")


def _users_engine(paths: Paths) -> Engine | None:
    """The engine that this run would use, where it is not the lab's own; raises LabError."""
    engine = running_engine(paths)
    return None if engine is None or engine.owned else engine


@contextmanager
def _file_lock(file: Path, holder: Holder) -> Iterator[None]:
    """Hold `file`, which names the holder meanwhile, and is removed in the end."""
    descriptor = _open_locked(file)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, holder.write().encode())
        yield
    finally:
        # While it is held, so that the file of a run that comes next is not taken away.
        file.unlink(missing_ok=True)
        os.close(descriptor)


def _open_locked(file: Path) -> int:
    """Return a descriptor of `file` with its lock; raises HeldByAnotherError."""
    while True:
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(file, flags, 0o600)
        except OSError as error:
            raise LabError(f"The lock {file} cannot be opened: {error.strerror}.") from error
        if not _flock(descriptor):
            other = Holder.read(os.read(descriptor, _LONGEST).decode(errors="replace"))
            os.close(descriptor)
            # It has just begun, or is of a version that names none.
            who = other or "its process is not known"
            raise HeldByAnotherError(
                f"Another run uses the lab: {who} (lock {file}). Wait for it to end."
            )
        if _is_still(file, descriptor):
            return descriptor
        # Its holder removed it between the two calls.
        os.close(descriptor)


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def stop_left_over(paths: Paths) -> list[str]:
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
