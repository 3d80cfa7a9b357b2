"""Content keys, and directories that are either complete or absent."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_SCRATCH = ".*.*"
# Directories of the cache that other programs manage.
_OTHERS = ("engine", "go-mod", "go-build")


def key_of(parts: Iterable[str | bytes | Path]) -> str:
    """Return the SHA-256 over `parts`, in 64 hex digits; a Path counts with its content.

    A directory counts with the relative names and contents of all its files. The key is not
    shortened, because the author of a target could find two contents with one short key.
    """
    digest = hashlib.sha256()
    for part in parts:
        for chunk in _chunks(part):
            digest.update(len(chunk).to_bytes(8, "big"))
            digest.update(chunk)
    return digest.hexdigest()


def _chunks(part: str | bytes | Path) -> Iterator[bytes]:
    if isinstance(part, bytes):
        yield part
    elif isinstance(part, str):
        yield part.encode()
    elif part.is_dir():
        for file in sorted(path for path in part.rglob("*") if path.is_file()):
            if "__pycache__" not in file.parts:
                yield file.relative_to(part).as_posix().encode()
                yield file.read_bytes()
    else:
        yield part.read_bytes()


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary directory that becomes `target` only if the block succeeds.

    After an interrupt, or even a kill, `target` is either complete or absent.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield scratch
        scratch.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        scratch.replace(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def half_made(cache: Path) -> list[Path]:
    """Return the scratch directories in `cache` and one level below, of running and killed runs."""
    if not cache.is_dir():
        return []
    folders = [each for each in cache.iterdir() if each.is_dir() and each.name not in _OTHERS]
    found = (left for folder in (cache, *folders) for left in folder.glob(_SCRATCH))
    return sorted(left for left in found if left.is_dir())


def sweep_scratch(cache: Path) -> None:
    """Remove the incomplete directories of killed runs.

    Call this only with the lab's lock, because a running run has the same directories.
    """
    for left in half_made(cache):
        shutil.rmtree(left)
