"""The hook of the build that writes down which version and commit a wheel or an sdist is of."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Stamp(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the file from which `pullrecovery.common.suite_version` reads, for there is no git."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file beside the suite's files, which are in the package in a wheel."""
        del version
        sys.path.insert(0, self.root)
        from pullrecovery.common import suite_version  # noqa: PLC0415  # of this very tree

        folder = "pullrecovery/suite/" if self.target_name == "wheel" else ""
        self._scratch = tempfile.TemporaryDirectory(prefix="pull-recovery-build-")
        file = Path(self._scratch.name, suite_version.STAMP)
        file.write_text(suite_version.stamp(Path(self.root)), encoding="ascii")
        build_data["force_include"][str(file)] = f"{folder}{suite_version.STAMP}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the file that was made for this build."""
        del version, build_data, artifact_path
        self._scratch.cleanup()
