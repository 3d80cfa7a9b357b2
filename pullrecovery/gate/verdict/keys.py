"""Read the gate's keys from a file or the environment, never from an argument."""

import os
import shlex
from pathlib import Path

from pullrecovery.common.errors import UsageError
from pullrecovery.common.redaction import protect
from pullrecovery.common.secret_variables import SIGNING_KEY, secret
from pullrecovery.gate.verdict.signing import Key, private_key, public_key

VERIFYING = "PULL_RECOVERY_GATE_PUBLIC_KEY"


def signing_key(file: Path | None) -> Key | None:
    """Return the private key of `file`, else of PULL_RECOVERY_GATE_KEY.

    None if neither is given.
    """
    if file:
        check_private(file)
        return private_key(_secret(_content(file)), str(file))
    given = secret(SIGNING_KEY)
    return private_key(_secret(given), SIGNING_KEY) if given else None


def verifying_key(file: Path | None) -> Key:
    """Return the public key of `file`, else of PULL_RECOVERY_GATE_PUBLIC_KEY.

    Raises UsageError if neither is given.
    """
    if file:
        return public_key(_content(file), str(file))
    given = os.environ.get(VERIFYING, "")
    if not given.strip():
        raise UsageError(f"A public key is needed: name its file with --key, or set {VERIFYING}.")
    return public_key(given, VERIFYING)


def check_private(file: Path) -> None:
    """Raise UsageError if anyone except the file's owner may read or write the key."""
    try:
        mode = file.stat().st_mode & 0o777
    except OSError as error:
        raise UsageError(f"The key file {file} cannot be read: {error}") from error
    if mode & 0o077:
        raise UsageError(
            f"The key file {file} has mode {mode:04o}: others than its owner may read or write it."
            f" Run `chmod 600 {shlex.quote(str(file))}`, and make a new key if others could."
        )


def _content(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The key file {file} cannot be read: {error}") from error


def _secret(text: str) -> str:
    """Return the text after protecting each of its lines from being printed."""
    for line in text.split():
        if not line.startswith("-") and len(line) > len("PRIVATE"):
            protect(line)
    return text
