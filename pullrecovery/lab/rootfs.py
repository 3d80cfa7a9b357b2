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
from pullrecovery.lab.content import key_of, whole_folder
from pullrecovery.lab.paths import LABEL, Paths
from pullrecovery.process import run

SUITE = "bookworm"
# Debian 12.12; the same release, for machines that an image registry answers.
PUBLISHED = (
    "debian:bookworm-slim@sha256:d5d3f9c23164ea16f31852f95bd5959aad1c5e854332fe00f7b3a20fcc9f635c"
)
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
_DOCKERFILE = """\
FROM {published}
RUN apt-get update -q \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends {packages} \\
 && rm -rf /var/lib/apt/lists/*
"""
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
        start = PUBLISHED if self.pulled else SUITE
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
                _bootstrap(scratch / "base.tar")
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
        note(f"building the base image on {PUBLISHED.partition('@')[0]}")
        recipe = _DOCKERFILE.format(published=PUBLISHED, packages=" ".join(PACKAGES))
        client.images.build(
            fileobj=io.BytesIO(recipe.encode()), tag=self.tag, rm=True, labels={LABEL: "image"}
        )


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
