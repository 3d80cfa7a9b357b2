"""The suite's own image, for the hook and the nightly Job; it cannot start a lab.

It contains Debian's python3, the package with its locked dependencies, Helm, and an SBOM of all
that, but no container engine, kind or kubectl. docs/adr/0019-suite-image.md says why.
"""

import io
import shutil
import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import docker
from docker.errors import ImageNotFound
from filelock import FileLock

from pullrecovery.common.suite_files import IMPORT_ROOT, INSTALLED
from pullrecovery.common.suite_version import STAMP, stamp, suite_version
from pullrecovery.lab.engine.one_off import one_off_name
from pullrecovery.lab.images.app_images import App, kept
from pullrecovery.lab.images.base_rootfs import SUITE, BaseImage, DebianPackages, Note
from pullrecovery.lab.images.runtime_lock import runtime
from pullrecovery.lab.images.sbom import debian_packages, go_modules, python_packages, write_sbom
from pullrecovery.lab.images.wheels import PYTHON, install_wheels
from pullrecovery.lab.paths import LABEL, Paths
from pullrecovery.lab.tools import toolchain
from pullrecovery.lab.tools.content_cache import key_of, whole_folder
from pullrecovery.lab.tools.toolchain import Toolchain, go_arch

REPOSITORY_NAME = "pull-recovery"
SBOM_PATH = "/usr/share/sbom/pull-recovery.cdx.json"
USER = 65532
_BASE = DebianPackages("suite-base", ("ca-certificates", "python3"))
_MARKERS = {
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.2",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
}
# The files that a run in a cluster reads: the packages, and the tests with their fixtures. A wheel
# has the tests inside of the package.
_PACKAGES = ("pullrecovery", "ghcr_emulator")
_BESIDE = () if INSTALLED else ("fixtures", "acceptance", "conftest.py", "pytest.toml", "LICENSE")
_HOME = "/opt/pull-recovery"
# Byte code is compiled here, because the root file system is read-only where the image runs.
_COMPILE = "RUN python3 -m compileall -q --invalidation-mode unchecked-hash"
_BELOW = f"""\
FROM {{base}}
COPY lib/ {_HOME}/lib/
{_COMPILE} {_HOME}/lib
COPY helm /usr/local/bin/helm
"""
_DOCKERFILE = f"""\
FROM {{below}}
COPY own/ {_HOME}/
{_COMPILE} -x {_HOME}/lib/ {_HOME}
COPY sbom.cdx.json {SBOM_PATH}
ENV PYTHONPATH={_HOME}:{_HOME}/lib PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
LABEL org.opencontainers.image.title="pull-recovery" \\
  org.opencontainers.image.description="Gate and nightly check of image pulls" \\
  org.opencontainers.image.version="{{version}}" \\
  org.opencontainers.image.licenses="Apache-2.0" \\
  org.opencontainers.image.vendor="bytequester" \\
  org.opencontainers.image.base.name="debian:{SUITE}"
WORKDIR {_HOME}
USER {USER}:{USER}
ENTRYPOINT ["python3", "-m", "pullrecovery"]
"""


@dataclass(frozen=True)
class SuiteImage:
    """The suite's image; `tag` is a key of what it is made from."""

    tools: Toolchain
    base: BaseImage

    @classmethod
    def of(cls, tools: Toolchain, paths: Paths, *, pulled: bool, week: str = "") -> "SuiteImage":
        """Return an image on a root file system that is bootstrapped or, if `pulled`, published.

        `week` is as in `BaseImage`; the published suite image has one.
        """
        return cls(tools, BaseImage(paths, pulled, _BASE, week))

    @cached_property
    def key(self) -> str:
        """Return the key of all that the image is made from.

        It is computed once; a later edit is in the next image.
        """
        ours = [IMPORT_ROOT / name for name in (*_PACKAGES, *_BESIDE)]
        return key_of([_DOCKERFILE, *ours, stamp(), self._below])

    @property
    def tag(self) -> str:
        return f"pull-recovery/suite:{self.key}"

    @cached_property
    def _below(self) -> str:
        """Return the tag of the image under the package.

        It is a separate image, because it seldom changes.
        """
        helm = self.tools.folder(toolchain.HELM_LINUX).name
        return f"pull-recovery/suite-below:{key_of([_BELOW, self._lock(), helm, self.base.tag])}"

    @property
    def folder(self) -> Path:
        """Return the directory of the cached image, which also has its SBOM."""
        return self.tools.paths.cache / "suite" / self.key

    @property
    def sbom(self) -> Path:
        return self.folder / "sbom.cdx.json"

    def files(self, client: docker.DockerClient, note: Note) -> App:
        """Return the image as files that can be pushed; build it if it is not cached."""
        if not self.folder.exists():
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder.parent / "build.lock"):
                if not self.folder.exists():
                    self._make(client, note)
        return App(self.folder)

    def _make(self, client: docker.DockerClient, note: Note) -> None:
        self.tools.build([toolchain.HELM_LINUX], note)
        with whole_folder(self.folder) as scratch:
            library = self._library(note)
            context = scratch / "context"
            self._build_below(client, library, context, note)
            self._build(client, library, context, note)
            (context / "sbom.cdx.json").replace(scratch / "sbom.cdx.json")
            shutil.rmtree(context)
            kept(client, self.tag, scratch, self.tools.paths.cache / "suite-layers")

    def _build_below(
        self, client: docker.DockerClient, library: Path, context: Path, note: Note
    ) -> None:
        """Build the image under the package, unless the engine has it."""
        try:
            client.images.get(self._below)
        except ImageNotFound:
            note("building what the suite's image stands on")
            context.mkdir()
            recipe = _BELOW.format(base=self.base.ensure(client, note))
            shutil.copytree(library, context / "lib")
            helm = context / "helm"
            shutil.copyfile(self.tools.binary(toolchain.HELM_LINUX, "helm"), helm)
            helm.chmod(0o755)
            _build(client, context, recipe, self._below)
            shutil.rmtree(context)

    def _build(self, client: docker.DockerClient, library: Path, context: Path, note: Note) -> None:
        note("building the image of the suite")
        context.mkdir()
        (context / "own").mkdir()
        for name in (*_PACKAGES, *_BESIDE):
            _copy(IMPORT_ROOT / name, context / "own" / name)
        if not INSTALLED:
            # The hook and the verdict must be of the same commit.
            (context / "own" / STAMP).write_text(stamp())
        self._write_sbom(client, library, context / "sbom.cdx.json")
        recipe = _DOCKERFILE.format(below=self._below, version=suite_version())
        _build(client, context, recipe, self.tag)

    def _write_sbom(self, client: docker.DockerClient, library: Path, target: Path) -> None:
        status = file_of(client, self._below, "/var/lib/dpkg/status").decode()
        parts = [
            *debian_packages(status, f"debian-{SUITE}"),
            *python_packages(library),
            *go_modules(toolchain.HELM_LINUX.source / "go.mod"),
        ]
        write_sbom(self.tools.paths, target, REPOSITORY_NAME, suite_version(), parts)

    def _library(self, note: Note) -> Path:
        """Return the dependencies for the image, cached by their lock."""
        lock = self._lock()
        place = self.tools.paths.cache / "suite-lib" / key_of([lock, go_arch()])
        if not place.exists():
            note("fetching the dependencies of the suite's image")
            with whole_folder(place) as scratch:
                (scratch / "lock").write_text(lock)
                install_wheels(scratch / "lock", scratch / "lib")
        return place / "lib"

    def _lock(self) -> str:
        return "".join(each.lines() for each in runtime(environment=_MARKERS))


def _build(client: docker.DockerClient, context: Path, recipe: str, tag: str) -> None:
    (context / "Dockerfile").write_text(recipe)
    client.images.build(path=str(context), tag=tag, rm=True, forcerm=True, labels={LABEL: "image"})


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def file_of(client: docker.DockerClient, image: str, path: str) -> bytes:
    """Return one file of an image without running the image."""
    container = client.containers.create(
        image, ["none"], name=one_off_name(), labels={LABEL: "passing"}
    )
    try:
        chunks, _ = container.get_archive(path)
        packed = io.BytesIO(b"".join(chunks))
    finally:
        container.remove(force=True)
    with tarfile.open(fileobj=packed) as tar:
        file = tar.extractfile(tar.getmembers()[0])
        return file.read() if file else b""
