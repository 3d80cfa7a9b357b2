"""Whether the lab could run here: one line a question, with the cure."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from pullrecovery.errors import LabError
from pullrecovery.lab.capabilities import read_capabilities
from pullrecovery.lab.engine import running_engine, user_engine, why_not_own
from pullrecovery.lab.golang import required_version
from pullrecovery.lab.paths import Paths

_DISK_GIB = 25
_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One answer; `cure` says what to do where it is not ok."""

    what: str
    ok: bool
    seen: str
    cure: str = ""

    def __str__(self) -> str:
        line = f"{'ok ' if self.ok else 'BAD'} {self.what:<14} {self.seen}"
        return line if self.ok or not self.cure else f"{line} -- {self.cure}"


def examine(paths: Paths) -> list[Finding]:
    """Ask every question; nothing on the machine is changed."""
    questions = (_python(), _engine(paths), _client(), _mmdebstrap(), _go(), _disk(paths))
    return [*questions, _folders(paths), _capabilities()]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= _PYTHON, version, "install Python 3.11 or newer")


def _engine(paths: Paths) -> Finding:
    try:
        running = running_engine(paths)
    except LabError as error:
        return Finding("engine", False, str(error))
    if running:
        return Finding("engine", True, f"answers at {running.host}")
    reason = why_not_own()
    if reason:
        return Finding("engine", False, "none answers", reason)
    verb = "start" if shutil.which("dockerd") else "install and start"
    return Finding("engine", True, f"none answers; the lab will {verb} one of its own")


def _client() -> Finding:
    """The docker command, which kind and testinfra run; the lab's own engine brings one along."""
    own = shutil.which("docker")
    if own or not user_engine():
        return Finding("docker client", True, own or "none; installed with the lab's engine")
    return Finding("docker client", False, "no docker on PATH", "install the docker command")


def _mmdebstrap() -> Finding:
    own = shutil.which("mmdebstrap")
    if own or (os.geteuid() == 0 and shutil.which("apt-get")):
        return Finding("mmdebstrap", True, own or "none; the lab will install it where it needs it")
    return Finding("mmdebstrap", True, "none; only runs that an image registry answers will do")


def _go() -> Finding:
    needed = ".".join(map(str, required_version()))
    own = shutil.which("go")
    seen = f"{own}" if own else f"none; the lab will use one from PyPI (at least {needed})"
    return Finding("go", True, seen)


def _disk(paths: Paths) -> Finding:
    folder = next(each for each in (paths.cache, *paths.cache.parents) if each.exists())
    free = shutil.disk_usage(folder).free / 2**30
    cure = f"free some space, or set XDG_CACHE_HOME to a folder with {_DISK_GIB} GiB"
    return Finding("disk", free >= _DISK_GIB, f"{free:.0f} GiB free in {folder}", cure)


def _folders(paths: Paths) -> Finding:
    # pytest-kubernetes hands paths to a shell unquoted.
    bad = [str(path) for path in (paths.state, paths.cache) if " " in str(path)]
    cure = "set XDG_STATE_HOME and XDG_CACHE_HOME to folders without spaces in their names"
    return Finding("folders", not bad, f"{paths.cache}, {paths.state}", cure)


def _capabilities() -> Finding:
    if not Path("/proc/self/status").exists():
        return Finding("capabilities", True, "not asked on this system")
    complete = read_capabilities().complete
    seen = "all" if complete else "one is missing: containers run through the lab's dropcaps"
    return Finding("capabilities", True, seen)
