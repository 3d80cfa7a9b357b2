"""The base root file systems of the images that the lab builds."""

import io
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import docker
from docker.errors import BuildError, ImageNotFound

from pullrecovery.common.errors import LabError
from pullrecovery.common.process import run
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.engine import apt as debian
from pullrecovery.lab.images.published_node import published_base
from pullrecovery.lab.paths import LABEL, Paths
from pullrecovery.lab.tools.content_cache import key_of, whole_folder

SUITE = "bookworm"


@dataclass(frozen=True)
class DebianPackages:
    """The Debian packages of one root file system; `name` is that of its image."""

    name: str
    names: tuple[str, ...]


# The packages of kind's node, and python3 for the GHCR emulator.
_BASE = (
    "bash",
    "ca-certificates",
    "conntrack",
    "curl",
    "e2fsprogs",
    "ethtool",
    "iproute2",
    "iptables",
    "jq",
    "kmod",
    "libseccomp2",
    "mount",
    "nftables",
    "pigz",
    "procps",
    "python3",
    "runc",
    "systemd",
    "util-linux",
)
# The packages of a CI machine: its own engine and the usual tools. A test uses its strace to list
# the programs that the gate starts, on any machine.
_RUNNER = (
    "bash",
    "ca-certificates",
    "curl",
    "docker.io",
    "git",
    "iproute2",
    "iptables",
    "jq",
    "make",
    "pigz",
    "procps",
    "skopeo",
    "strace",
    "util-linux",
    "xz-utils",
)
# The programs that Argo CD's components call, and its cache.
_ARGOCD = (
    "ca-certificates",
    "git",
    "gnupg",
    "openssh-client",
    "redis-server",
)
BASE = DebianPackages("base", _BASE)
RUNNER = DebianPackages("runner-base", _RUNNER)
ARGOCD = DebianPackages("argocd-base", _ARGOCD)
# A base image from a mirror may have the packages already and no access to Debian's.
_DOCKERFILE = """\
FROM {published}
RUN dpkg-query --show {packages} >/dev/null 2>&1 \\
 || {{ apt-get update -q \\
   && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends {packages} \\
   && rm -rf /var/lib/apt/lists/*; }}
"""
# The text contains the week, because the engine reuses a cached layer of the same text.
_DOCKERFILE_OF_WEEK = """\
FROM {published}
RUN : as of {week} \\
 && apt-get update -q \\
 && export DEBIAN_FRONTEND=noninteractive \\
 && apt-get upgrade -q -y \\
 && apt-get install -q -y --no-install-recommends {packages} \\
 && rm -rf /var/lib/apt/lists/*
"""
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")
_EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")

Note = Callable[[str], None]


@dataclass(frozen=True)
class BaseImage:
    """A root file system as an image in the engine; the default is the one of node and ghcr.io.

    It is bootstrapped on this machine into a tar in the cache, or if `pulled`, made from the
    published Debian image. `week` is '' if packages of any age are accepted, or a name such as
    2026-W48: an image is made once for each week, with the security updates until then.
    """

    paths: Paths
    pulled: bool = False
    packages: DebianPackages = BASE
    week: str = ""

    @property
    def key(self) -> str:
        start = published_base() if self.pulled else SUITE
        return key_of([start, *self.packages.names, *_EXCLUDED, *filter(None, [self.week])])

    @property
    def tag(self) -> str:
        return f"pull-recovery/{self.packages.name}:{self.key}"

    @property
    def tar(self) -> Path:
        return self.paths.cache / "rootfs" / self.key / "base.tar"

    def make_tar(self, note: Note) -> Path:
        """Bootstrap Debian into a tar, unless the cache has it; needs no container."""
        if not self.tar.exists():
            _need_mmdebstrap(note)
            note(f"bootstrapping Debian {SUITE}: {self.packages.name}")
            with whole_folder(self.tar.parent) as scratch:
                _bootstrap(scratch, scratch / "base.tar", self.packages)
        return self.tar

    def ensure(self, client: docker.DockerClient, note: Note) -> str:
        """Return the tag of the base image in the engine; create the image if it is missing.

        If a build cannot reach Debian's packages, the image is bootstrapped instead.
        """
        try:
            client.images.get(self.tag)
        except ImageNotFound:
            if not (self.pulled and self._build_on_published(client, note)):
                self._import_bootstrapped(client, note)
        return self.tag

    def _import_bootstrapped(self, client: docker.DockerClient, note: Note) -> None:
        tar = replace(self, pulled=False).make_tar(note)
        note(f"importing the root file system {self.packages.name} into the engine")
        repository, _, tag = self.tag.partition(":")
        labels = [f"LABEL {LABEL}=image"]
        client.api.import_image(src=str(tar), repository=repository, tag=tag, changes=labels)

    def _build_on_published(self, client: docker.DockerClient, note: Note) -> bool:
        """Install the packages on the published image.

        Return False if they are not available there.
        """
        published = published_base()
        note(f"building the image {self.packages.name} on {published.partition('@')[0]}")
        recipe = (_DOCKERFILE_OF_WEEK if self.week else _DOCKERFILE).format(
            published=published, packages=" ".join(self.packages.names), week=self.week
        )
        try:
            client.images.build(
                fileobj=io.BytesIO(recipe.encode()),
                tag=self.tag,
                rm=True,
                forcerm=True,
                labels={LABEL: "image"},
                buildargs=_proxies(),
            )
        except BuildError as error:
            note(f"{self.packages.name} cannot be built there, so it is bootstrapped: {error}")
            return False
        return True


def _proxies() -> dict[str, str]:
    """Return this machine's proxies as build arguments, which the engine does not store."""
    named = {name: os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES}
    return {name: value for name, value in named.items() if value}


def _need_mmdebstrap(note: Note) -> None:
    if shutil.which("mmdebstrap"):
        return
    if os.geteuid() != 0 or not debian.can_install():
        raise LabError(
            "The lab must build its images, as no image registry answers or as its images lack"
            " packages, and for that it needs mmdebstrap: install it (Debian, Ubuntu: apt-get"
            " install mmdebstrap), or run where image and package registries can be reached."
        )
    debian.install(("mmdebstrap", "debian-archive-keyring"), note)


def _bootstrap(folder: Path, target: Path, packages: DebianPackages) -> None:
    excludes = [f"--dpkgopt=path-exclude={pattern}" for pattern in _EXCLUDED]
    include = f"--include={','.join(packages.names)}"
    command = ["mmdebstrap", "--variant=minbase", *excludes, include, SUITE, str(target)]
    # Its mounts end with it, and its temporary files are where the next run looks for them.
    apart = ["unshare", "--mount", "--propagation=private"] if os.geteuid() == 0 else []
    temporary = {"TMPDIR": str(folder)}
    run([*apart, *command], env=temporary, inherit=[VariableSet.APT], timeout=900)
