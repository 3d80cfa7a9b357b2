"""The image of the GHCR emulator: the base, the emulator, and CNCF distribution."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from pullrecovery.common.suite_files import IMPORT_ROOT
from pullrecovery.lab.images.base_rootfs import BaseImage
from pullrecovery.lab.images.wheels import install_wheels
from pullrecovery.lab.paths import LABEL
from pullrecovery.lab.tools import toolchain
from pullrecovery.lab.tools.content_cache import key_of, whole_folder
from pullrecovery.lab.tools.toolchain import Toolchain

_EMULATOR = IMPORT_ROOT / "ghcr_emulator"
_LOCK = _EMULATOR / "requirements.lock"
_DOCKERFILE = """\
FROM {base}
COPY lib/ /opt/ghcr/lib/
COPY registry /usr/local/bin/registry
COPY ghcr_emulator/ /opt/ghcr/ghcr_emulator/
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/ghcr
ENV PYTHONPATH=/opt/ghcr:/opt/ghcr/lib PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["python3", "-m", "ghcr_emulator", "--config", "/etc/ghcr", \
  "--storage", "distribution:///usr/local/bin/registry?root=/var/lib/registry"]
"""


@dataclass(frozen=True)
class GhcrImage:
    """The emulator's image; `tag` is a key of what it is made from."""

    tools: Toolchain
    base: BaseImage

    @property
    def tag(self) -> str:
        registry = self.tools.folder(toolchain.DISTRIBUTION).name
        return f"pull-recovery/ghcr:{key_of([_DOCKERFILE, _EMULATOR, registry, self.base.tag])}"

    def build(self, client: docker.DockerClient, note: Callable[[str], None]) -> str:
        """Build the image if the engine lacks it, and return its tag."""
        try:
            client.images.get(self.tag)
        except ImageNotFound:
            note("building the image of the GHCR emulator")
            folder = self.tools.paths.cache / "ghcr" / self.tag.rpartition(":")[2]
            with whole_folder(folder) as context:
                self._lay_out(context)
                client.images.build(
                    path=str(context), tag=self.tag, rm=True, forcerm=True, labels={LABEL: "image"}
                )
            shutil.rmtree(folder)
        return self.tag

    def _lay_out(self, context: Path) -> None:
        (context / "Dockerfile").write_text(_DOCKERFILE.format(base=self.base.tag))
        shutil.copy2(self.tools.binary(toolchain.DISTRIBUTION, "registry"), context / "registry")
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(_EMULATOR, context / "ghcr_emulator", ignore=ignored)
        install_wheels(_LOCK, context / "lib")
