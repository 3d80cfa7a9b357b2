"""Install programs from PyPI by a lock, into a directory of the cache."""

import sys
from pathlib import Path

from pullrecovery.common.process import run
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.tools.content_cache import key_of, whole_folder


def installed(folder: Path, lock: Path, platform: str = "") -> Path:
    """Return the directory below `folder` with the packages of `lock`, verified by hash.

    `platform` is pip's name of the platform, by default this machine's. Raises CommandError with
    pip's output if the installation fails.
    """
    place = folder / key_of([lock, *filter(None, [platform])])
    if not place.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        with whole_folder(place) as scratch:
            options = ["--require-hashes", "--no-deps", "--target", str(scratch), "-r", str(lock)]
            options += [f"--platform={platform}", "--only-binary=:all:"] if platform else []
            run([*pip, *options], inherit=[VariableSet.PIP], timeout=600)
    return place
