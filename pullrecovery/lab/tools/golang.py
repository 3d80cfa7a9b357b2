"""Find a Go toolchain that is new enough: the machine's own, else one from PyPI."""

import re
import shutil
import sys
from pathlib import Path

from pullrecovery.common.errors import LabError
from pullrecovery.common.process import CommandError, run
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.tools.content_cache import key_of, whole_folder

MODULES = Path(__file__).parent / "toolchain"
_GO_LOCK = MODULES / "go.lock"


def required_version() -> tuple[int, ...]:
    """Return the highest `go` line of the toolchain's modules."""
    lines = (re.search(r"(?m)^go ([\d.]+)$", f.read_text()) for f in MODULES.glob("*/go.mod"))
    return max(_numbers(line.group(1)) for line in lines if line)


def find_go(paths: Paths) -> Path:
    """Return a `go` binary of at least `required_version`, installing one if needed."""
    own = shutil.which("go")
    if own and _version_of(Path(own)) >= required_version():
        return Path(own)
    folder = paths.cache / "go" / key_of([_GO_LOCK])
    if not folder.exists():
        with whole_folder(folder) as scratch:
            _install(scratch)
    binary = folder / "go" / "bin" / "go"
    if not binary.exists():
        raise LabError(f"{binary} is missing; delete {folder} and run again.")
    return binary


def _install(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = ["--require-hashes", "--no-deps", "--target", str(folder), "-r", str(_GO_LOCK)]
    run([*pip, *options], inherit=[VariableSet.PIP], timeout=600)
    for binary in (folder / "go").glob("**/bin/*"):
        binary.chmod(0o755)
    for tool in (folder / "go" / "pkg" / "tool").glob("*/*"):
        tool.chmod(0o755)


def go_environment(paths: Paths, *, target_os: str) -> dict[str, str]:
    """Return the environment of every Go build: the lab's caches, no cgo, verified modules only."""
    return {
        "GOCACHE": str(paths.cache / "go-build"),
        "GOMODCACHE": str(paths.cache / "go-mod"),
        "GOFLAGS": "-mod=readonly -modcacherw",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "GOOS": target_os,
        "GOWORK": "off",
        "GO111MODULE": "on",
    }


def _version_of(go: Path) -> tuple[int, ...]:
    try:
        shown = run([str(go), "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"})
    except CommandError:
        return ()
    found = re.match(r"go([\d.]+)", shown)
    return _numbers(found.group(1)) if found else ()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split(".") if number)
