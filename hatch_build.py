"""A build hook that records the version and commit of a wheel or an sdist."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Stamp(BuildHookInterface):  # type: ignore[type-arg]
    """Add the file that `pullrecovery.common.suite_version` reads where there is no git."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the file beside the suite's files, which a wheel has inside of the package."""
        del version
        sys.path.insert(0, self.root)
        from pullrecovery.common import suite_version  # noqa: PLC0415  # of this source tree

        folder = "pullrecovery/suite/" if self.target_name == "wheel" else ""
        self._scratch = tempfile.TemporaryDirectory(prefix="pull-recovery-build-")
        file = Path(self._scratch.name, suite_version.STAMP)
        file.write_text(suite_version.stamp(Path(self.root)), encoding="ascii")
        build_data["force_include"][str(file)] = f"{folder}{suite_version.STAMP}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the file that was made for this build."""
        del version, build_data, artifact_path
        self._scratch.cleanup()
