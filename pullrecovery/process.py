"""The one way to run a command: no shell, a deadline, and its stderr in the error."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pullrecovery.errors import PullRecoveryError
from pullrecovery.redaction import redact

_TAIL = 2000


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
    cwd: Path | None = None,
    timeout: float = 120,
) -> str:
    """Run `argv` and return its stdout; `env` is added to the inherited environment.

    Secrets go through `stdin`, never through `argv`.
    Raises CommandError on a non-zero exit and PullRecoveryError after `timeout` seconds.
    """
    try:
        done = subprocess.run(
            list(argv),
            input=stdin if stdin is not None else "",
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=timeout,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise PullRecoveryError(f"`{argv[0]}`: {cwd} is no folder.") from error
        raise PullRecoveryError(f"`{argv[0]}` is not installed or not on PATH.") from error
    except OSError as error:
        raise PullRecoveryError(f"`{argv[0]}` cannot be run: {error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        command = redact(" ".join(argv))
        raise PullRecoveryError(f"`{command}` did not end within {timeout:g} s.") from error
    if done.returncode != 0:
        raise CommandError(argv, done.returncode, done.stderr or done.stdout)
    return done.stdout
