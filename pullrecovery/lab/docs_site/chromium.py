"""Run a headless Chromium on a built site, in a container without a network."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pullrecovery.common.process import run
from pullrecovery.common.suite_files import IMPORT_ROOT
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.engine.one_off import one_off_name
from pullrecovery.lab.images.base_rootfs import BaseImage, DebianPackages, Note
from pullrecovery.lab.paths import LABEL, Paths
from pullrecovery.lab.tools.golang import MODULES
from pullrecovery.lab.tools.pypi import installed

PROGRAM = Path(__file__).parent / "browser_files" / "browser"
_LOCK = MODULES / "browser.lock"
_BROWSER = DebianPackages("browser", ("chromium-headless-shell", "fonts-dejavu-core"))
_WITHIN = 400.0


@dataclass(frozen=True)
class Browser:
    """Read a site in Debian's Chromium through playwright, which a separate process imports."""

    paths: Paths
    engine: Engine
    pulled: bool

    @property
    def image(self) -> BaseImage:
        return BaseImage(self.paths, self.pulled, _BROWSER)

    def prepare(self, note: Note) -> None:
        """Build the browser's image and install playwright; both are cached."""
        self.image.ensure(self.engine.client(), note)
        installed(self.paths.cache / "playwright", _LOCK)

    def look(
        self, site: Path, page: str, referring: tuple[str, ...], screenshot: Path
    ) -> dict[str, Any]:
        """Return what `chromium_script.py` prints for `page` and the pages that link to it."""
        asked = {
            "browser": str(PROGRAM),
            "site": str(site),
            "page": page,
            "referring": referring,
            "screenshot": str(screenshot),
        }
        playwright = installed(self.paths.cache / "playwright", _LOCK)
        environment = {
            "PYTHONPATH": os.pathsep.join([str(playwright), str(IMPORT_ROOT)]),
            "DOCKER_HOST": self.engine.host,
            "BROWSER_IMAGE": self.image.tag,
            "BROWSER_NAME": one_off_name(),
            "BROWSER_LABEL": f"{LABEL}=browser",
        }
        command = [sys.executable, "-m", "pullrecovery.lab.docs_site.chromium_script"]
        sets = [VariableSet.PYTHON, VariableSet.DOCKER]
        said = run(command, stdin=json.dumps(asked), env=environment, inherit=sets, timeout=_WITHIN)
        return dict(json.loads(said))
