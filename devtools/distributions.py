"""The `dist` command builds the sdist, the wheel from it, and an SBOM of the wheel's needs."""

import shutil
import sys
from pathlib import Path
from typing import Final

from pullrecovery.common.errors import Exit
from pullrecovery.common.process import run
from pullrecovery.common.suite_files import REPORTS, SUITE_ROOT
from pullrecovery.common.suite_version import suite_version
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.images.runtime_lock import runtime
from pullrecovery.lab.images.sbom import Component, write_sbom
from pullrecovery.lab.paths import default_paths

FOLDER: Final = SUITE_ROOT / "dist"
SBOM: Final = REPORTS / "dist" / "sbom.cdx.json"
_NAME: Final = "pull-recovery"


def build_distributions() -> int:
    """Build into `dist/`, after emptying it, and write the SBOM to `.reports/dist`."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    # In this environment, because its build backend is locked by hash.
    build = [sys.executable, "-m", "build", "--no-isolation", f"--outdir={FOLDER}", str(SUITE_ROOT)]
    run(build, inherit=[VariableSet.PYTHON], timeout=300)
    write_dependencies(SBOM)
    for file in (*sorted(FOLDER.iterdir()), SBOM):
        print(f"{file.stat().st_size:>9,} bytes  {file}")
    return int(Exit.PASS)


def write_dependencies(target: Path) -> None:
    """Write the SBOM of the wheel with all its extras, as in requirements.lock."""
    target.parent.mkdir(parents=True, exist_ok=True)
    parts = [Component("pypi", package.name, package.version) for package in runtime()]
    write_sbom(default_paths(), target, _NAME, suite_version(), parts)
