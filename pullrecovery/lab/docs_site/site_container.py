"""Build a docs site in its own container, which can reach only its own files.

A site's configuration and each of its pages are programs of the target. So the container has no
network, no capability, no variable of this machine, and a user other than root. The site, its
packages and Node.js are mounted read-only. What the build writes is in memory and ends with the
container. The result is read from its standard output, and only plain files of it are written.
"""

import shutil
import tarfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Timer
from typing import Any, Protocol

import docker
from docker.errors import DockerException
from docker.models.containers import Container
from docker.types import LogConfig, Mount
from docker.utils.socket import STDOUT, frames_iter

from pullrecovery.common.errors import LabError
from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.engine.one_off import one_off_name
from pullrecovery.lab.images.base_rootfs import BaseImage, Note
from pullrecovery.lab.paths import LABEL
from pullrecovery.lab.tools.nodejs import linux_node

PROGRAM = Path(__file__).parent / "site_files" / "build-site"
KIND = "docs"
# The user `nobody` in Debian's images and in the kernel's default.
_USER = 65534
# A name that no address contains, because it is removed from Docusaurus' output.
SITE = "/pull-recovery-site"
_SCRATCH = "/scratch"
_RESULTS = ("build", ".docusaurus", "node_modules")
_WITHIN = 300.0
_MIB = 2**20
_MEMORY = 3072 * _MIB
_PROCESSES = 1024
# 128 + SIGKILL: the kernel kills a process that exceeds its memory limit.
_KILLED = 137
_LONGEST_ARCHIVE = 1024 * _MIB
_LONGEST_WORDS = _MIB
_MOST_FILES = 100_000
_VARIABLES = {
    "HOME": _SCRATCH,
    "TMPDIR": _SCRATCH,
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "CI": "true",
    "NO_COLOR": "1",
    # Otherwise it would look for a newer version of itself.
    "NO_UPDATE_NOTIFIER": "1",
}


@dataclass(frozen=True)
class SiteBuild:
    """The end of a build: its exit code, and what Docusaurus printed."""

    code: int
    words: str


class Box(Protocol):
    """An environment that builds sites."""

    def build(
        self, site: Path, modules: Path, compiled: Path | None, into: Path, note: Note
    ) -> SiteBuild:
        """Build `site` with the packages `modules`; on success, write the results to `into`.

        `compiled` are pages that an earlier build compiled, or None. Results are `build/`,
        `.docusaurus/` and `node_modules/.cache/`. Raises LabError if there is no result.
        """
        ...


@dataclass(frozen=True)
class SiteBox:
    """Build sites in containers of `image`; `within` is the deadline of each build, in seconds."""

    engine: Engine
    image: BaseImage
    within: float = _WITHIN

    def build(
        self, site: Path, modules: Path, compiled: Path | None, into: Path, note: Note
    ) -> SiteBuild:
        """Build as `Box.build` describes, in a container that is always removed."""
        mounted = {SITE: site, f"{SITE}/node_modules": modules}
        mounted["/usr/local/bin/node"] = linux_node(self.image.paths)
        mounted |= {"/compiled": compiled} if compiled else {}
        archive = into / "results.tar"
        with closing(self.engine.client()) as client:
            container = _create(client, self.image.ensure(client, note), mounted)
            try:
                build = _run(container, archive, self.within)
            finally:
                with suppress(docker.errors.NotFound):
                    container.remove(force=True, v=True)
        if build.code == 0:
            unpack(archive, into)
        archive.unlink()
        return build


def stop_builds(engine: Engine) -> None:
    """Remove the containers of running builds, which then end with an error."""
    with closing(engine.client()) as client:
        for container in client.containers.list(all=True, filters={"label": f"{LABEL}={KIND}"}):
            with suppress(docker.errors.NotFound):
                container.remove(force=True, v=True)


def _create(client: docker.DockerClient, image: str, mounted: dict[str, Path]) -> Container:
    own = f"uid={_USER},gid={_USER},mode=0700"
    return client.containers.create(
        image,
        ["sh", "-c", PROGRAM.read_text()],
        name=one_off_name(),
        hostname=KIND,
        labels={LABEL: KIND},
        environment=_VARIABLES,
        working_dir=SITE,
        user=f"{_USER}:{_USER}",
        network_mode="none",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        read_only=True,
        mem_limit=_MEMORY,
        memswap_limit=_MEMORY,
        pids_limit=_PROCESSES,
        # The output is read as it comes; a log of it would fill the engine's disk.
        log_config=LogConfig(type="none"),
        mounts=[Mount(to, str(place), "bind", read_only=True) for to, place in mounted.items()],
        tmpfs={
            f"{SITE}/.docusaurus": f"{own},size=256m",
            f"{SITE}/node_modules/.cache": f"{own},size=512m",
            "/out": f"{own},size=1g",
            _SCRATCH: f"{own},size=256m",
        },
    )


def _run(container: Container, archive: Path, within: float) -> SiteBuild:
    """Start the container and write its standard output to `archive`.

    Kill it after the deadline.
    """
    late = Event()

    def kill() -> None:
        late.set()
        with suppress(DockerException):
            container.kill()

    # Attached before the start, so that no output is missed.
    attached: Any = container.attach_socket(params={"stdout": 1, "stderr": 1, "stream": 1})
    timer = Timer(within, kill)
    with closing(getattr(attached, "_sock", attached)) as wire, closing(attached):
        container.start()
        timer.start()
        try:
            with archive.open("wb") as file:
                words = _read(wire, file)
        finally:
            timer.cancel()
    if late.is_set():
        raise LabError(f"The docs site was not built within {within:g} s, and was given up.")
    code = int(container.wait()["StatusCode"])
    if code == _KILLED:
        raise LabError(
            "The build of the docs site was killed, most likely as it needed more than"
            f" {_MEMORY // _MIB} MiB of memory."
        )
    return SiteBuild(code, words.decode(errors="replace"))


def _read(wire: Any, file: Any) -> bytes:
    """Write stdout to `file` and return the end of stderr.

    Raises LabError if stdout is too large.
    """
    words, size = b"", 0
    frames: Iterator[tuple[int, bytes]] = frames_iter(wire, tty=False)  # type: ignore[no-untyped-call]
    for which, data in frames:
        if which == STDOUT:
            size += file.write(data)
        else:
            words = (words + data)[-_LONGEST_WORDS:]
        if size > _LONGEST_ARCHIVE:
            raise LabError(f"The docs site is larger than {_LONGEST_ARCHIVE // _MIB} MiB.")
    return words


def unpack(archive: Path, into: Path) -> None:
    """Write the files in a build's archive below `into`.

    Raises LabError for an unreadable archive, and for anything in it except plain files in the
    result directories.
    """
    size = 0
    try:
        with tarfile.open(archive) as tar:
            for number, member in enumerate(tar):
                size += member.size
                if size > _LONGEST_ARCHIVE or number > _MOST_FILES:
                    raise LabError("The build of the docs site left too many files.")
                if not member.isdir():
                    _write(tar, member, into)
    except (tarfile.TarError, OSError, ValueError, RecursionError) as error:
        raise LabError(f"The results of the docs site's build cannot be read: {error}") from error


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    top, *others = member.name.split("/")
    # A sparse file can be larger than its content in the archive.
    plain = member.isreg() and not member.issparse()
    if not plain or top not in _RESULTS or not others or {"", ".", ".."} & {*others}:
        raise LabError(f"The build of the docs site left {member.name!r}, which is no result.")
    place = into.joinpath(top, *others)
    place.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    if content is not None:
        with place.open("wb") as file:
            shutil.copyfileobj(content, file)
