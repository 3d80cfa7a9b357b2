"""The one way to run a command: no shell, a deadline, stderr in the error, ended with us."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.redaction import redact
from pullrecovery.common.variables import VariableSet, inherited

_TAIL = 2000
_GRACE = 60.0
# A signal waits so long for a command that another thread is just starting.
_STARTS_WITHIN = 10.0

Child = subprocess.Popen[str]
_running: dict[Child, Callable[[Child], None]] = {}


@dataclass
class _Signals:
    """How many signals came that end this process, and whether one is to be raised later."""

    came: int = 0
    put_off: bool = False


_signals = _Signals()
_starting = threading.RLock()


class CommandError(PullRecoveryError):
    """A command that did not exit with 0; the message holds the end of its output."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        self.code = code
        self.output = redact(output)
        command = redact(" ".join(argv))
        super().__init__(f"`{command}` exited with {code}: {self.output.strip()[-_TAIL:]}")


def run(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    inherit: Iterable[VariableSet] = (),
    cwd: Path | None = None,
    timeout: float = 120,
) -> str:
    """Run `argv` and return its stdout; its environment is as `child` makes it.

    Secrets go through `stdin`, never through `argv`.
    Raises CommandError on a non-zero exit and PullRecoveryError after `timeout` seconds.
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with child(argv, env=env, inherit=inherit, cwd=cwd, popen=pipes) as process:
        try:
            output, errors = process.communicate(stdin or "", timeout)
        except subprocess.TimeoutExpired as error:
            process.kill()
            command = redact(" ".join(argv))
            raise PullRecoveryError(f"`{command}` did not end within {timeout:g} s.") from error
    if process.returncode != 0:
        raise CommandError(argv, process.returncode, errors or output)
    return output


@contextmanager
def child(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    inherit: Iterable[VariableSet] = (),
    cwd: Path | None = None,
    end: Callable[[Child], None] = subprocess.Popen.terminate,
    popen: Mapping[str, Any],
) -> Iterator[Child]:
    """Start `argv` and wait for its end; an interrupt of ours calls `end` on it.

    The child gets the variables of `env`, and of this process's those of `variables.BASE` and of
    the sets that `inherit` names. `popen` are more of Popen's arguments.
    Raises PullRecoveryError where the program cannot be started.
    """
    process: Child | None = None
    with ExitStack() as closing:
        try:
            with _becoming_known():
                started = _start(argv, {**inherited(inherit), **(env or {})}, cwd, popen)
                process = closing.enter_context(started)
                _running[process] = end
            yield process
        except BaseException:
            if process is not None:
                _end(process)
            raise
        finally:
            if process is not None:
                _running.pop(process, None)


@contextmanager
def _becoming_known() -> Iterator[None]:
    """A block in which a command is started and written down, which no signal comes between.

    In the main thread the KeyboardInterrupt is raised at its end. In another thread the signal,
    which is raised in the main one, waits for its end before it ends what is running.
    """
    with _starting:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        came = _signals.came
        _signals.put_off = True
        try:
            yield
        finally:
            _signals.put_off = False
            if _signals.came != came:
                stop_running()
                raise KeyboardInterrupt


def _ask_to_end(process: Child) -> None:
    """Have a command end by its own way, unless it was asked already."""
    end = _running.pop(process, None)
    if end:
        end(process)


def _end(process: Child) -> None:
    """Have a command end, by its own way and once; wait for it, and kill it if it will not."""
    _ask_to_end(process)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()


def _start(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: Path | None,
    popen: Mapping[str, Any],
) -> Child:
    try:
        return subprocess.Popen(
            list(argv),
            env=env,
            cwd=cwd,
            encoding="utf-8",
            errors="replace",
            **popen,
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise PullRecoveryError(f"`{argv[0]}`: {cwd} is no folder.") from error
        raise PullRecoveryError(f"`{argv[0]}` is not installed or not on PATH.") from error
    except OSError as error:
        raise PullRecoveryError(f"`{argv[0]}` cannot be run: {error.strerror}.") from error


def stop_with_us() -> None:
    """Take SIGTERM for SIGINT, and on either end the commands that other threads wait for."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)


def stop_running() -> None:
    """Have every command that any thread waits for end, each by its own way."""
    for process in list(_running):
        _ask_to_end(process)


def _interrupted(_: int, __: FrameType | None) -> None:
    _signals.came += 1
    if _signals.put_off:
        return
    known = _starting.acquire(timeout=_STARTS_WITHIN)
    try:
        stop_running()
    finally:
        if known:
            _starting.release()
    raise KeyboardInterrupt


def interrupt_session(process: Child) -> None:
    """What SIGINT at a terminal does: every process of the child's own session is interrupted."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
