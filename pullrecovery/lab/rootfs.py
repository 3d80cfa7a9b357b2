"""The one base root file system under every image that the lab builds."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from pullrecovery.errors import LabError
from pullrecovery.lab.content import key_of, whole_folder
from pullrecovery.lab.paths import LABEL, Paths
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
_EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")

Note = Callable[[str], None]


@dataclass(frozen=True)
class BaseImage:
    """The base root file system as a tar in the cache and as an image in the engine."""

    paths: Paths

    @property
    def key(self) -> str:
        return key_of([SUITE, *PACKAGES, *_EXCLUDED])

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
                _bootstrap(scratch / "base.tar")
        return self.tar

    def ensure(self, client: docker.DockerClient, note: Note) -> str:
        """Return the tag of the base image in the engine, importing it where it is missing."""
        try:
            client.images.get(self.tag)
        except ImageNotFound:
            note("importing the base root file system into the engine")
            repository, _, tag = self.tag.partition(":")
            client.api.import_image(
                src=str(self.make_tar(note)),
                repository=repository,
                tag=tag,
                changes=[f"LABEL {LABEL}=image"],
            )
        return self.tag


def _need_mmdebstrap(note: Note) -> None:
    if shutil.which("mmdebstrap"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabError(
            "No image registry answers, so the lab must build its images, and for that it needs"
            " mmdebstrap: install it (Debian, Ubuntu: apt-get install mmdebstrap), or run where"
            " an image registry can be reached."
        )
    note("installing mmdebstrap with apt-get")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], env=quiet, timeout=600)
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends"]
    run([*install, "mmdebstrap", "debian-archive-keyring"], env=quiet, timeout=600)


def _bootstrap(target: Path) -> None:
    excludes = [f"--dpkgopt=path-exclude={pattern}" for pattern in _EXCLUDED]
    include = f"--include={','.join(PACKAGES)}"
    run(["mmdebstrap", "--variant=minbase", *excludes, include, SUITE, str(target)], timeout=900)
