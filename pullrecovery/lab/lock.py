"""Lock the lab for one run at a time, and stop what an earlier run left running."""

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

# In the environment of every process that a run starts.
MARK = "PULL_RECOVERY_RUN"
# The engine outlives the run that started it.
_ENGINE = ("dockerd", "containerd", "docker-proxy")
_GRACE = 10.0
# Bytes; the record of a holder has some hundreds.
_LONGEST = 10_000


@contextmanager
def locked(paths: Paths, say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Lock the lab against other runs; the locks end with the process.

    There are three locks: of the state directory; of the machine, for runs of root, because the
    lab's own engine and its packet filter rules exist once; and of the user's engine, because
    containers have the same names in each lab. A killed run may leave commands running and
    incomplete directories. The next run removes both at its start, because only the run with the
    lock is sure that no other run uses them. Raises LabError if another run has one of the locks.
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
    """Return whether the run with the lab's lock started this process.

    If so, this process may use the lab as it is.
    """
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
    """Return the engine that this run would use, unless it is the lab's own; raises LabError."""
    engine = running_engine(paths)
    return None if engine is None or engine.owned else engine


@contextmanager
def _file_lock(file: Path, holder: Holder) -> Iterator[None]:
    """Lock `file` and write the holder into it; remove the file at the end."""
    descriptor = _open_locked(file)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, holder.write().encode())
        yield
    finally:
        # While it is locked, so that the file of the next run is not removed.
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
            # The holder has just begun, or its version writes no record.
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
    """Stop every process that a run of this lab started, except this one; return their names."""
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
    """Yield every process that a run of any lab started, with the mark that names the lab."""
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(MARK)
            engine = process.name().startswith(_ENGINE)
        except (psutil.Error, OSError):
            # It has ended in the meantime, or is another user's.
            continue
        if mark and not engine:
            yield process, mark


def name_of(process: psutil.Process) -> str:
    """Return name and pid of a process, for messages."""
    try:
        return f"{process.name()} ({process.pid})"
    except psutil.Error:
        return str(process.pid)


def _quietly(signal: Callable[[], None]) -> None:
    """Send a signal to a process; one that has ended is not an error."""
    try:
        signal()
    except psutil.NoSuchProcess:
        return
