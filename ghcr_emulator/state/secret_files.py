"""Files that hold one secret."""

from pathlib import Path
from typing import Final

_OTHERS: Final = 0o077
_SHORTEST: Final = 16


class SecretFileError(ValueError):
    """A secret file is wrong; the message is one sentence that never quotes the file."""


def read_secret(path: Path) -> str:
    """Return the one line of a file that its owner alone can read; raises SecretFileError."""
    try:
        content = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        raise SecretFileError(f"{path} cannot be read: {error.strerror}") from error
    if mode & _OTHERS:
        raise SecretFileError(f"{path} is open to others: it needs the mode 0600")
    try:
        secret = content.decode("ascii").strip()
    except UnicodeDecodeError:
        raise SecretFileError(f"{path} must be ASCII") from None
    if len(secret) < _SHORTEST or not secret.isprintable():
        raise SecretFileError(f"{path} must be one line of {_SHORTEST} characters or more")
    return secret


def write_private(path: Path, content: bytes) -> None:
    """Write a file that its owner alone can read."""
    path.touch(mode=0o600)
    path.write_bytes(content)
