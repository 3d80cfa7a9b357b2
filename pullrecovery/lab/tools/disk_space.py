"""Check the free disk space before a run starts."""

import shutil
from pathlib import Path

from pullrecovery.common.errors import LabError
from pullrecovery.lab.paths import Paths

_GIB = 2**30
# A run's need if everything is cached: the node's layers and the scenarios' images.
_LEAST_GIB = 3


def free_gib(folder: Path) -> tuple[float, Path]:
    """Return the free space for `folder`, and the existing directory that was checked."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return shutil.disk_usage(there).free / _GIB, there


def need_space(paths: Paths) -> None:
    """Raise LabError if the space is too small even for a run from the cache."""
    free, folder = free_gib(paths.cache)
    if free < _LEAST_GIB:
        raise LabError(
            f"Only {free:.1f} GiB are free in {folder}, and a run needs {_LEAST_GIB}, the first"
            " one 25: free some space, or set XDG_CACHE_HOME to a folder with more."
        )
