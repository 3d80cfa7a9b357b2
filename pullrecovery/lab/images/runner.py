"""The image of the runner: a CI machine with its own engine and the usual clients."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from pullrecovery.lab.images.base_rootfs import RUNNER, BaseImage
from pullrecovery.lab.paths import LABEL, Paths
from pullrecovery.lab.tools import toolchain
from pullrecovery.lab.tools.content_cache import key_of, whole_folder
from pullrecovery.lab.tools.toolchain import Tool, Toolchain

_FILES = Path(__file__).parents[1] / "runner" / "runner_files"
# Programs whose module builds them under another name; Debian's docker is `docker`.
BUILT_AS = {"docker-29": "docker"}
# `container` tells the engine that it runs in a container, so that it loads no AppArmor profile.
# DO_NOT_TRACK prevents gh's telemetry, which the egress guard would count.
_DOCKERFILE = """\
FROM {base}
COPY bin/ /usr/local/bin/
ENV container=docker DO_NOT_TRACK=1
ENTRYPOINT ["/usr/local/bin/runner-entrypoint"]
"""


def runner_base(paths: Paths, *, pulled: bool) -> BaseImage:
    """Return the root file system under the runner."""
    return BaseImage(paths, pulled, RUNNER)


@dataclass(frozen=True)
class RunnerImage:
    """The runner's image; `tag` is a key of what it is made from.

    `kubectl` is the tool that has a kubectl for Linux among its binaries.
    """

    tools: Toolchain
    base: BaseImage
    kubectl: Tool

    @property
    def binaries(self) -> dict[str, Tool]:
        """Return the toolchain's programs in /usr/local/bin, each with its tool."""
        return {
            "crane": toolchain.CRANE,
            "act": toolchain.ACT,
            "gh": toolchain.GH,
            "oras": toolchain.ORAS,
            "docker-29": toolchain.DOCKER_CLI,
            "dropcaps": toolchain.DROPCAPS,
            "helm": toolchain.HELM_LINUX,
            "kubectl": self.kubectl,
        }

    @property
    def parts(self) -> tuple[Tool, ...]:
        """Return the tools that must be built before the image."""
        return tuple(self.binaries.values())

    @property
    def tag(self) -> str:
        built = [self.tools.folder(part).name for part in self.parts]
        return f"pull-recovery/runner:{key_of([_DOCKERFILE, _FILES, *built, self.base.tag])}"

    def build(self, client: docker.DockerClient, note: Callable[[str], None]) -> str:
        """Build the image if the engine lacks it, and return its tag."""
        try:
            client.images.get(self.tag)
        except ImageNotFound:
            base = self.base.ensure(client, note)
            note("building the image of the runner")
            folder = self.tools.paths.cache / "runner" / self.tag.rpartition(":")[2]
            with whole_folder(folder) as context:
                self.lay_out(context, base)
                client.images.build(
                    path=str(context), tag=self.tag, rm=True, labels={LABEL: "image"}
                )
            shutil.rmtree(folder)
        return self.tag

    def lay_out(self, context: Path, base: str) -> None:
        """Write what the image is built from; every file in bin/ is executable."""
        (context / "Dockerfile").write_text(_DOCKERFILE.format(base=base))
        target = context / "bin"
        target.mkdir()
        sources = {file.name: file for file in _FILES.iterdir()}
        for name, tool in self.binaries.items():
            sources[name] = self.tools.binary(tool, BUILT_AS.get(name, name))
        for name, source in sources.items():
            shutil.copyfile(source, target / name)
            # The classic builder has no `COPY --chmod`: it uses the mode in the context.
            (target / name).chmod(0o755)
