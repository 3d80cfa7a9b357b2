"""The `lint-workflows` command runs the pinned actionlint on all workflows of the repository."""

from pullrecovery.common.errors import Exit
from pullrecovery.common.process import run
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.lab.paths import default_paths
from pullrecovery.lab.tools.golang import find_go
from pullrecovery.lab.tools.toolchain import ACTIONLINT, Toolchain
from pullrecovery.monorepo.actionlint import PLAIN

_FOLDERS = (".github/workflows", "sample/.github/workflows")


def lint_workflows() -> int:
    """Build actionlint if it is missing and run it; CommandError contains its findings."""
    paths = default_paths()
    tools = Toolchain(paths, find_go(paths))
    tools.build([ACTIONLINT], lambda _: None)
    files = sorted(file for folder in _FOLDERS for file in (SUITE_ROOT / folder).glob("*.yml"))
    run([str(tools.binary(ACTIONLINT)), *PLAIN, *map(str, files)], cwd=SUITE_ROOT, timeout=120)
    return int(Exit.PASS)
