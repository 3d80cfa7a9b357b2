"""Run the suite once as a user starts it, to its end or until a signal."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.process import Child, child
from pullrecovery.common.suite_files import REPORTS, SUITE_ROOT
from pullrecovery.common.variables import VariableSet
from pullrecovery.report.records import Result, read_result

_RUN_WITHIN = 1800.0
_ENDS_WITHIN = 180.0
FOLDER = REPORTS / "trials"
# Only for these runs, so that the files they leave in it are visible.
TEMPORARY = FOLDER / "tmp"


class TrialError(PullRecoveryError):
    """The lab failed a trial."""


@dataclass(frozen=True)
class Kill:
    """A signal, and whether the whole process group gets it or only its leader."""

    number: signal.Signals
    group: bool

    @classmethod
    def any(cls, chance: random.Random) -> "Kill":
        number = chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
        return cls(number, chance.choice([True, False]))

    def __str__(self) -> str:
        return f"{self.number.name} to {'the group' if self.group else 'the process'}"

    def send(self, process: Child) -> None:
        """Send the signal, unless the run has ended."""
        if process.poll() is None:
            (os.killpg if self.group else os.kill)(process.pid, self.number)


@dataclass(frozen=True)
class TrialRun:
    """A run that has ended: its exit code, its length in seconds, and its log."""

    code: int
    seconds: float
    log: Path

    @property
    def last_line(self) -> str:
        lines = [line.strip() for line in self.log.read_text().splitlines() if line.strip()]
        return lines[-1] if lines else ""

    @property
    def result(self) -> Result:
        return read_result(REPORTS / "result.json")


@contextmanager
def _started(command: list[str], log: Path, env: Mapping[str, str]) -> Iterator[Child]:
    """Start `python -m pullrecovery …` in its own process group, as a shell does."""
    log.parent.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "pullrecovery", *command]
    with log.open("wb") as out:
        alone = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": out}
        popen = {**alone, "start_new_session": True}
        variables = {"TMPDIR": str(TEMPORARY), **env}
        suite = [VariableSet.SUITE]
        with child(argv, env=variables, inherit=suite, cwd=SUITE_ROOT, popen=popen) as process:
            yield process


def whole_run(command: list[str], log: Path, env: Mapping[str, str] | None = None) -> TrialRun:
    """Run the command to its end."""
    started = time.monotonic()
    with _started(command, log, env or {}) as process:
        code = process.wait(_RUN_WITHIN)
    return TrialRun(code, time.monotonic() - started, log)


def killed_run(
    command: list[str], log: Path, after: float, kill: Kill, seen: Callable[[str], None]
) -> TrialRun:
    """Run the command, and send the signal after `after` seconds.

    `seen` gets the log's last line at that moment.
    """
    started = time.monotonic()
    with _started(command, log, {}) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            seen(TrialRun(0, after, log).last_line)
            kill.send(process)
        else:
            seen("it was over already")
        code = process.wait(_ENDS_WITHIN)
    return TrialRun(code, time.monotonic() - started, log)
