"""Make tar archives in memory, for copying files into a container."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import PurePosixPath


def archive(files: Mapping[str, bytes], *, mode: int = 0o600, folder_mode: int = 0o755) -> bytes:
    """Return a tar of `files` (relative path → content), owned by root, with all their directories.

    A path that ends with a slash is a directory. By default only root may read a file.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in _folders(files):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, folder_mode
            tar.addfile(entry)
        for name, data in files.items():
            if not name.endswith("/"):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(data), mode
                tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _folders(files: Mapping[str, bytes]) -> list[str]:
    """Return every directory of `files`, the outer ones first."""
    found = {str(above) for name in files for above in PurePosixPath(name).parents}
    found |= {name.rstrip("/") for name in files if name.endswith("/")}
    return sorted(found - {"."})
