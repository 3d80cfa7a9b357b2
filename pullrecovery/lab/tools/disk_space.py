"""Whether the disk has room, asked before anything is begun that could fill it."""

import shutil
from pathlib import Path

from pullrecovery.common.errors import LabError
from pullrecovery.lab.paths import Paths

_GIB = 2**30
# What a run needs where everything is cached: the node's layers and the scenarios' images.
_LEAST_GIB = 3


def free_gib(folder: Path) -> tuple[float, Path]:
    """The free space where `folder` is or will be, and the folder that was asked."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return shutil.disk_usage(there).free / _GIB, there


def need_space(paths: Paths) -> None:
    """Raise LabError where there is too little space even for a run from the cache."""
    free, folder = free_gib(paths.cache)
    if free < _LEAST_GIB:
        raise LabError(
            f"Only {free:.1f} GiB are free in {folder}, and a run needs {_LEAST_GIB}, the first"
            " one 25: free some space, or set XDG_CACHE_HOME to a folder with more."
        )
