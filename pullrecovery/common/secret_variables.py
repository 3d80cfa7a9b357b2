"""Move secrets that a user sets as variables out of the environment and into memory.

A process passes them to another one through a pipe, so that no /proc/PID/environ has them.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import unquote

from pullrecovery.common.errors import PullRecoveryError, UsageError
from pullrecovery.common.redaction import protect
from pullrecovery.common.variables import OWN, VariableSet, inherited

TOKEN = "GHCR_TOKEN"
STATUS_TOKEN = "GITHUB_TOKEN"
# The private key itself: CI systems pass secrets on as variables.
SIGNING_KEY = "PULL_RECOVERY_GATE_KEY"
NAMES = (TOKEN, STATUS_TOKEN, SIGNING_KEY)
# The number of a file descriptor, from which the secrets are read as a JSON object.
DESCRIPTOR = "PULL_RECOVERY_SECRETS_FD"
# The bytes that a pipe takes, on every system, before a reader reads.
_PIPE_HOLDS = 16_384
_PASSWORD_IN_URL = re.compile(r"//[^/\s:@]*:([^/\s@]+)@")
# A shorter password occurs in too many words; passwords in URLs are redacted at any length.
_SHORTEST = 6
_taken: dict[str, str] = {}


def enter(argv: Sequence[str]) -> None:
    """Restart this program in an environment without secrets and without unneeded variables.

    `argv` are the arguments after `python -m pullrecovery`. Only `gate sign` gets the signing key.
    Returns if the environment is already the new one.
    """
    try:
        if DESCRIPTOR not in os.environ:
            _start_again(argv)
        take()
    except PullRecoveryError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(int(error.exit))


def _start_again(argv: Sequence[str]) -> None:
    take()
    signs = argv[:1] == ["gate"] and "sign" in argv[1:]
    reading = _pipe(_taken if signs else {name: _shown(name) for name in _taken})
    os.set_inheritable(reading, True)
    # Only `--world live` connects to a cluster of the user.
    cluster = [VariableSet.CLUSTER] if any("live" in word for word in argv) else []
    environment = {**inherited([*OWN, *cluster]), DESCRIPTOR: str(reading)}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606


def _shown(name: str) -> str:
    return "" if name == SIGNING_KEY else _taken[name]


def secret(name: str) -> str:
    """Return the value that the user gave to the variable `name`; '' if none."""
    take()
    return _taken.get(name, "").strip()


def is_given(name: str) -> bool:
    """Whether the user set the variable `name`, even if this process did not get its value."""
    take()
    return name in _taken


def take() -> None:
    """Move secrets from the environment and from the parent's pipe into memory.

    Passwords in the URLs of other variables, such as proxies, are redacted from now on.
    """
    descriptor = os.environ.pop(DESCRIPTOR, "")
    if descriptor:
        _keep(_read(descriptor))
    _keep({name: os.environ.pop(name) for name in NAMES if name in os.environ})
    for value in os.environ.values():
        for password in _PASSWORD_IN_URL.findall(value):
            if len(password) >= _SHORTEST:
                protect(password)
                protect(unquote(password))


@contextmanager
def handed_over(*names: str) -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
    """Yield the variables and file descriptors that pass these secrets to a child process."""
    take()
    reading = _pipe({name: _taken[name] for name in names if name in _taken})
    try:
        yield {DESCRIPTOR: str(reading)}, (reading,)
    finally:
        os.close(reading)


def _keep(given: Mapping[str, str]) -> None:
    for name, value in given.items():
        if value:
            _taken[name] = value
            protect(value.strip())
        else:
            _taken.setdefault(name, value)


def _pipe(secrets: Mapping[str, str]) -> int:
    """Write the secrets into a pipe, and return the descriptor of its read end."""
    content = json.dumps(dict(secrets)).encode()
    if len(content) > _PIPE_HOLDS:
        raise UsageError(f"{', '.join(secrets)}: {len(content)} bytes are too many for a secret.")
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(content)
    return reading


def _read(descriptor: str) -> dict[str, str]:
    try:
        with os.fdopen(int(descriptor), "rb") as pipe:
            return {str(name): str(value) for name, value in json.load(pipe).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise PullRecoveryError(
            f"{DESCRIPTOR}={descriptor!r} is no file descriptor with secrets; unset it."
        ) from error
