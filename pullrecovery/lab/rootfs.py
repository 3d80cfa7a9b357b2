"""The one base root file system under every image that the lab builds."""

import io
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from pullrecovery.errors import LabError
from pullrecovery.lab import debian
from pullrecovery.lab.content import key_of, whole_folder
from pullrecovery.lab.paths import LABEL, Paths
from pullrecovery.lab.published import published_base
from pullrecovery.process import run

SUITE = "bookworm"
# What kind's node needs, and python3 for the stand-in of ghcr.io.
PACKAGES = (
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
# A mirror's base may have the packages already, and no way to Debian's.
_DOCKERFILE = """\
FROM {published}
RUN dpkg-query --show {packages} >/dev/null 2>&1 \\
 || {{ apt-get update -q \\
   && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends {packages} \\
   && rm -rf /var/lib/apt/lists/*; }}
"""
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")
_EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")

Note = Callable[[str], None]


@dataclass(frozen=True)
class BaseImage:
    """The base root file system as an image in the engine.

    Bootstrapped on this machine, by way of a tar in the cache; or, where `pulled`,
    made from the published Debian image.
    """

    paths: Paths
    pulled: bool = False

    @property
    def key(self) -> str:
        start = published_base() if self.pulled else SUITE
        return key_of([start, *PACKAGES, *_EXCLUDED])

    @property
    def tag(self) -> str:
        return f"pull-recovery/base:{self.key}"

    @property
    def tar(self) -> Path:
        return self.paths.cache / "rootfs" / self.key / "base.tar"

    def make_tar(self, note: Note) -> Path:
        """Bootstrap Debian into a tar, unless the cache has it; needs no container."""
        if not self.tar.exists():
            _need_mmdebstrap(note)
            note(f"bootstrapping Debian {SUITE}")
            with whole_folder(self.tar.parent) as scratch:
                _bootstrap(scratch, scratch / "base.tar")
        return self.tar

    def ensure(self, client: docker.DockerClient, note: Note) -> str:
        """Return the tag of the base image in the engine, making it where it is missing."""
        try:
            client.images.get(self.tag)
        except ImageNotFound:
            make = self._build_on_published if self.pulled else self._import_bootstrapped
            make(client, note)
        return self.tag

    def _import_bootstrapped(self, client: docker.DockerClient, note: Note) -> None:
        tar = self.make_tar(note)
        note("importing the base root file system into the engine")
        repository, _, tag = self.tag.partition(":")
        labels = [f"LABEL {LABEL}=image"]
        client.api.import_image(src=str(tar), repository=repository, tag=tag, changes=labels)

    def _build_on_published(self, client: docker.DockerClient, note: Note) -> None:
        published = published_base()
        note(f"building the base image on {published.partition('@')[0]}")
        recipe = _DOCKERFILE.format(published=published, packages=" ".join(PACKAGES))
        client.images.build(
            fileobj=io.BytesIO(recipe.encode()),
            tag=self.tag,
            rm=True,
            forcerm=True,
            labels={LABEL: "image"},
            buildargs=_proxies(),
        )


def _proxies() -> dict[str, str]:
    """The proxies of this machine, for the build alone: the engine keeps none of them."""
    named = {name: os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES}
    return {name: value for name, value in named.items() if value}


def _need_mmdebstrap(note: Note) -> None:
    if shutil.which("mmdebstrap"):
        return
    if os.geteuid() != 0 or not debian.can_install():
        raise LabError(
            "No image registry answers, so the lab must build its images, and for that it needs"
            " mmdebstrap: install it (Debian, Ubuntu: apt-get install mmdebstrap), or run where"
            " an image registry can be reached."
        )
    debian.install(("mmdebstrap", "debian-archive-keyring"), note)


def _bootstrap(folder: Path, target: Path) -> None:
    excludes = [f"--dpkgopt=path-exclude={pattern}" for pattern in _EXCLUDED]
    include = f"--include={','.join(PACKAGES)}"
    command = ["mmdebstrap", "--variant=minbase", *excludes, include, SUITE, str(target)]
    # What it mounts ends with it, and what it leaves lies where the next run looks for it.
    apart = ["unshare", "--mount", "--propagation=private"] if os.geteuid() == 0 else []
    run([*apart, *command], env={"TMPDIR": str(folder)}, timeout=900)
