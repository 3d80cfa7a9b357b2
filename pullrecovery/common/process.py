"""Run commands without a shell, with a timeout, and stop them when this process stops."""

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
# How long a signal handler waits for a command that another thread is starting, in seconds.
_STARTS_WITHIN = 10.0

Child = subprocess.Popen[str]
_running: dict[Child, Callable[[Child], None]] = {}


@dataclass
class _Signals:
    """How many stop signals arrived, and whether one is to be raised later."""

    came: int = 0
    put_off: bool = False


_signals = _Signals()
_starting = threading.RLock()


class CommandError(PullRecoveryError):
    """A command did not exit with 0; the message contains the end of its output."""

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
    """Run `argv` and return its stdout; its environment is as `child` builds it.

    Secrets go through `stdin`, never through `argv`. Raises CommandError on a non-zero exit and
    PullRecoveryError after `timeout` seconds.
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
    """Start `argv` and wait until it ends; an interrupt of this process calls `end` on it.

    The child gets the variables in `env`, and from this process's environment those of
    `variables.BASE` and of the sets in `inherit`, and the locale `variables.LOCALE`. `popen` are
    further arguments of Popen. Raises PullRecoveryError if the program cannot be started.
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
    """A block that starts and registers a command, and that no signal interrupts.

    In the main thread, KeyboardInterrupt is raised at the end of the block. If the block is in
    another thread, the signal, which is raised in the main thread, waits for the end of the block
    before it stops the running commands.
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
    """Ask a command to stop with its own function, unless it was asked before."""
    end = _running.pop(process, None)
    if end:
        end(process)


def _end(process: Child) -> None:
    """Stop a command with its own function, once; wait, and kill it if it does not stop."""
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
    """Handle SIGTERM like SIGINT, and stop the commands of other threads on either."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)


def stop_running() -> None:
    """Stop every command that any thread waits for, each with its own function."""
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
    """Interrupt every process of the child's own session, as SIGINT at a terminal does."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
