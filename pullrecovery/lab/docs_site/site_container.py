"""One build of a docs site in a container of its own, which reaches nothing but its own files.

The configuration of a site is a program, and so is each of its pages: both are the target's. So
the container has no network, no capability, no variable of this machine, and another user than
root; the site, its packages and Node.js are mounted read-only, and what it writes is in memory and
ends with it. Its result is read from its output, and only then written, as files and nothing else.
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
# nobody, in Debian's images and by the kernel's own default.
_USER = 65534
# A place that is in no address, as it is taken out of what Docusaurus prints.
SITE = "/pull-recovery-site"
_SCRATCH = "/scratch"
_RESULTS = ("build", ".docusaurus", "node_modules")
_WITHIN = 300.0
_MIB = 2**20
_MEMORY = 3072 * _MIB
_PROCESSES = 1024
# 128 and SIGKILL, as the kernel ends what takes more memory than it may.
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
    # It would look for a newer version of itself.
    "NO_UPDATE_NOTIFIER": "1",
}


@dataclass(frozen=True)
class SiteBuild:
    """How a build ended: its exit code, and what Docusaurus printed."""

    code: int
    words: str


class Box(Protocol):
    """Where a site is built."""

    def build(
        self, site: Path, modules: Path, compiled: Path | None, into: Path, note: Note
    ) -> SiteBuild:
        """Build `site` with the packages `modules`; on success its results are in `into`.

        `compiled` are pages that an earlier build compiled, or none. Results are `build/`,
        `.docusaurus/` and `node_modules/.cache/`. Raises LabError where it ends in no result.
        """
        ...


@dataclass(frozen=True)
class SiteBox:
    """Builds sites in containers of `image`; `within` is the deadline of each, in seconds."""

    engine: Engine
    image: BaseImage
    within: float = _WITHIN

    def build(
        self, site: Path, modules: Path, compiled: Path | None, into: Path, note: Note
    ) -> SiteBuild:
        """Build as `Box.build` says, in a container that is removed in any case."""
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
    """Remove the containers of builds that go on, which then end with an error."""
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
        # Its output is read as it comes, and would fill the engine's disk.
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
    """Start the container, and write its standard output to `archive`; kill it when it is late."""
    late = Event()

    def kill() -> None:
        late.set()
        with suppress(DockerException):
            container.kill()

    # From before its start, so that nothing it prints is missed.
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
    """Write stdout to `file`; the end of stderr. Raises LabError where there is too much."""
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
    """Write the files of an archive that a build made below `into`.

    Raises LabError for an archive that cannot be read, and for anything in it but plain files in
    the places of results.
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
    # A sparse file is as long as it says, whatever the archive holds of it.
    plain = member.isreg() and not member.issparse()
    if not plain or top not in _RESULTS or not others or {"", ".", ".."} & {*others}:
        raise LabError(f"The build of the docs site left {member.name!r}, which is no result.")
    place = into.joinpath(top, *others)
    place.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    if content is not None:
        with place.open("wb") as file:
            shutil.copyfileobj(content, file)
