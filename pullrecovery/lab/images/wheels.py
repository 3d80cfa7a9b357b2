"""Install Python packages for an image, independent of the Python that runs the lab."""

import sys
from pathlib import Path

from pullrecovery.common.process import run
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.tools.toolchain import go_arch

# Debian bookworm's Python.
PYTHON = "3.11"
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# The platforms that bookworm's libc runs, besides pure Python.
_PLATFORMS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")


def install_wheels(lock: Path, target: Path) -> None:
    """Install the wheels of a hashed lock into a directory, for this machine's architecture."""
    machine = _MACHINES[go_arch()]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    platforms = [f"--platform={platform}_{machine}" for platform in _PLATFORMS]
    container = ["--python-version", PYTHON, "--only-binary", ":all:", *platforms]
    what = ["--require-hashes", "--no-deps", "--no-compile", "--target", str(target)]
    run([*pip, *container, *what, "-r", str(lock)], inherit=[VariableSet.PIP], timeout=900)
