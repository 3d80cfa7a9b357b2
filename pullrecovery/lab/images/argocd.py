"""The image of Argo CD: one program for all components, with git, Helm and Redis.

The lab's git server runs from it too.
"""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import docker

from pullrecovery.common.process import run
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.images.base_rootfs import ARGOCD, BaseImage
from pullrecovery.lab.paths import LABEL, Paths
from pullrecovery.lab.tools import toolchain
from pullrecovery.lab.tools.content_cache import key_of, whole_folder
from pullrecovery.lab.tools.golang import go_environment
from pullrecovery.lab.tools.toolchain import Tool, Toolchain

MODULE = "github.com/argoproj/argo-cd/v3"
# The path of Argo CD's install manifests in the image, copied from the pinned module.
MANIFESTS = "/usr/local/share/argocd/core-install.yaml"
_COMPONENTS = (
    "application-controller",
    "applicationset-controller",
    "cmp-server",
    "commit-server",
    "dex",
    "git-ask-pass",
    "k8s-auth",
    "notifications",
    "repo-server",
    "server",
)
# 999 is the user id in the install manifests.
_DOCKERFILE = """\
FROM {base}
RUN useradd --uid 999 --user-group --create-home --shell /usr/sbin/nologin argocd
COPY bin/ /usr/local/bin/
COPY core-install.yaml {manifests}
RUN for name in {components}; do ln -s argocd /usr/local/bin/argocd-$name; done \\
 && mkdir -p /app/config/gpg/source /app/config/gpg/keys /app/config/ssh /app/config/tls \\
 && mkdir -p /srv/git /srv/trees && chown -R 999:999 /app /srv
USER 999
WORKDIR /home/argocd
ENV HOME=/home/argocd USER=argocd
"""


def argocd_base(paths: Paths, *, pulled: bool) -> BaseImage:
    """Return the root file system under Argo CD."""
    return BaseImage(paths, pulled, ARGOCD)


@dataclass(frozen=True)
class ArgocdImage:
    """Argo CD's image; `tag` is a key of what it is made from."""

    tools: Toolchain
    base: BaseImage

    @property
    def parts(self) -> tuple[Tool, ...]:
        """Return the tools that must be built before the image."""
        return (toolchain.ARGOCD, toolchain.HELM_LINUX)

    def is_built(self, client: docker.DockerClient) -> bool:
        """Return whether the engine has the image."""
        return bool(client.images.list(self.tag))

    @property
    def tag(self) -> str:
        built = [self.tools.folder(part).name for part in self.parts]
        recipe = [_DOCKERFILE, *_COMPONENTS, *built, self.base.tag]
        return f"pull-recovery/argocd:{key_of(recipe)}"

    def build(self, client: docker.DockerClient, note: Callable[[str], None]) -> str:
        """Build the image if the engine lacks it, and return its tag."""
        if self.is_built(client):
            return self.tag
        # In parallel: downloading modules and linking programs leave a processor free.
        with ThreadPoolExecutor(max_workers=1) as beside:
            laying = beside.submit(self.base.ensure, client, note)
            self.tools.build(self.parts, note)
            base = laying.result()
        note("building the image of Argo CD")
        folder = self.tools.paths.cache / "argocd" / self.tag.rpartition(":")[2]
        with whole_folder(folder) as context:
            self._lay_out(context, base)
            client.images.build(
                path=str(context), tag=self.tag, rm=True, forcerm=True, labels={LABEL: "image"}
            )
        shutil.rmtree(folder)
        return self.tag

    def _lay_out(self, context: Path, base: str) -> None:
        links = " ".join(_COMPONENTS)
        recipe = _DOCKERFILE.format(base=base, manifests=MANIFESTS, components=links)
        (context / "Dockerfile").write_text(recipe)
        (context / "bin").mkdir()
        # Go names a program after its directory, which is `cmd` here.
        program = self.tools.binary(toolchain.ARGOCD, "cmd")
        helm = self.tools.binary(toolchain.HELM_LINUX)
        for source, name in ((program, "argocd"), (helm, "helm")):
            _link(source, context / "bin" / name)
        manifests = self._module() / "manifests" / "core-install.yaml"
        shutil.copyfile(manifests, context / manifests.name)

    def _module(self) -> Path:
        """Return the directory of the pinned module, which go.sum verifies."""
        go, at = str(self.tools.go), toolchain.ARGOCD.source
        environment, network = go_environment(self.tools.paths, target_os="linux"), [VariableSet.GO]
        run([go, "mod", "download", MODULE], env=environment, inherit=network, cwd=at, timeout=300)
        shown = run([go, "list", "-m", "-f", "{{.Dir}}", MODULE], env=environment, cwd=at)
        return Path(shown.strip())


def _link(source: Path, target: Path) -> None:
    """Hard-link a large file if that works, else copy it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
