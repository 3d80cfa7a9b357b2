"""Check whether the lab can run on this machine: one line for each check, with the fix."""

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from docker.errors import DockerException

from pullrecovery.common.errors import LabError
from pullrecovery.lab.cluster.node_plan import wanted_images
from pullrecovery.lab.engine import apt as debian
from pullrecovery.lab.engine.capabilities import read_capabilities
from pullrecovery.lab.engine.dockerd import why_not_own
from pullrecovery.lab.engine.engine import Engine, ask_facts, why_unfit
from pullrecovery.lab.engine.select_engine import running_engine, user_engine
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.tools.disk_space import free_gib
from pullrecovery.lab.tools.golang import required_version
from pullrecovery.lab.tools.toolchain import go_arch

_DISK_GIB = 25
_MEMORY_GIB = 4
_PYTHON = (3, 11)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True)
class Finding:
    """The result of one check; `fix` says what to do if it is not ok."""

    what: str
    ok: bool
    seen: str
    fix: str = ""

    def __str__(self) -> str:
        line = f"{'ok ' if self.ok else 'BAD'} {self.what:<14} {self.seen}"
        return line if self.ok or not self.fix else f"{line} -- {self.fix}"


def examine(paths: Paths) -> list[Finding]:
    """Run every check; nothing on the machine is changed."""
    questions = (_machine(), _python(), _engine(paths), _client(paths), _mmdebstrap(), _go())
    return [*questions, _disk(paths), _memory(), _folders(paths), _proxy(), _capabilities()]


def _machine() -> Finding:
    seen = f"{platform.system()} {platform.release()}, {platform.machine()}"
    if sys.platform not in ("linux", "darwin"):
        return Finding("machine", False, seen, "run it on Linux or macOS (on Windows: in WSL 2)")
    try:
        go_arch()
    except LabError as error:
        return Finding("machine", False, seen, str(error))
    return Finding("machine", True, seen)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= _PYTHON, version, "install Python 3.11 or newer")


def _engine(paths: Paths) -> Finding:
    try:
        running = running_engine(paths)
        return _running(running) if running else _no_engine()
    except (LabError, DockerException) as error:
        return Finding("engine", False, str(error))


def _running(engine: Engine) -> Finding:
    facts = ask_facts(engine)
    reason = why_unfit(facts)
    return Finding("engine", not reason, f"{facts} at {engine.host}", reason)


def _no_engine() -> Finding:
    reason = why_not_own()
    if reason:
        return Finding("engine", False, "none answers", reason)
    verb = "start" if shutil.which("dockerd") else "install and start"
    return Finding("engine", True, f"none answers; the lab will {verb} one of its own")


def _client(paths: Paths) -> Finding:
    """Check the docker command for kind and testinfra; the lab's own engine installs one."""
    own = shutil.which("docker")
    if own:
        return Finding("docker client", True, own)
    try:
        needed = user_engine() is not None or running_engine(paths) is not None
    except LabError:
        needed = True
    if needed:
        return Finding("docker client", False, "no docker on PATH", "install the docker command")
    return Finding("docker client", True, "none; installed with the lab's engine")


def _mmdebstrap() -> Finding:
    own = shutil.which("mmdebstrap")
    if own or (os.geteuid() == 0 and debian.can_install()):
        return Finding("mmdebstrap", True, own or "none; the lab will install it where it needs it")
    if wanted_images() == "build":
        fix = "install mmdebstrap, or leave IMAGES=build out"
        return Finding("mmdebstrap", False, "none, and IMAGES=build needs it", fix)
    return Finding("mmdebstrap", True, "none; only runs that an image registry answers will do")


def _go() -> Finding:
    needed = ".".join(map(str, required_version()))
    own = shutil.which("go")
    seen = f"{own}" if own else f"none; the lab will use one from PyPI (at least {needed})"
    return Finding("go", True, seen)


def _disk(paths: Paths) -> Finding:
    free, folder = free_gib(paths.cache)
    fix = f"free some space, or set XDG_CACHE_HOME to a folder with {_DISK_GIB} GiB"
    return Finding("disk", free >= _DISK_GIB, f"{free:.0f} GiB free in {folder}", fix)


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    fix = f"use a machine with {_MEMORY_GIB} GiB or more"
    return Finding("memory", round(total) >= _MEMORY_GIB, f"{total:.0f} GiB", fix)


def _folders(paths: Paths) -> Finding:
    # pytest-kubernetes passes paths to a shell without quotes.
    bad = [str(path) for path in (paths.state, paths.cache) if " " in str(path)]
    fix = "set XDG_STATE_HOME and XDG_CACHE_HOME to folders without spaces in their names"
    return Finding("folders", not bad, f"{paths.cache}, {paths.state}", fix)


def _proxy() -> Finding:
    names = [name for name in _PROXIES if os.environ.get(name) or os.environ.get(name.upper())]
    if not names:
        return Finding("proxy", True, "none")
    # The proxy's address may contain a password, so only the variable is printed.
    seen = f"{', '.join(names)} set: for downloads alone, the cluster is given none"
    return Finding("proxy", True, seen)


def _capabilities() -> Finding:
    if not Path("/proc/self/status").exists():
        return Finding("capabilities", True, "not asked on this system")
    complete = read_capabilities().complete
    seen = "all" if complete else "one is missing: containers run through the lab's dropcaps"
    return Finding("capabilities", True, seen)
