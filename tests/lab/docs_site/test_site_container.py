"""The container in which a docs site is built, with a fake engine."""

import io
import socket
import struct
import tarfile
import threading

import pytest
from docker.errors import NotFound

from pullrecovery.common.errors import LabError
from pullrecovery.lab.docs_site import site_container as site_box
from pullrecovery.lab.docs_site.site_container import SITE, SiteBox, stop_builds, unpack
from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.images.base_rootfs import BaseImage
from pullrecovery.lab.paths import LABEL, Paths


def _tar(*members):
    """Return a tar of (name, type, content or target of a link)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind, content in members:
            entry = tarfile.TarInfo(name)
            entry.type = kind
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                entry.linkname = content
            entry.size = len(content) if kind == tarfile.REGTYPE else 0
            tar.addfile(entry, io.BytesIO(content) if kind == tarfile.REGTYPE else None)
    return out.getvalue()


SITE_TAR = _tar(("build/", tarfile.DIRTYPE, b""), ("build/index.html", tarfile.REGTYPE, b"a page"))


class Container:
    """Prints `frames`, pairs of a stream and bytes, and ends; `endless` ends only when killed."""

    def __init__(self, frames, code=0, *, endless=False):
        self.frames, self.code, self.endless = frames, code, endless
        self.ours, self.its = socket.socketpair()
        self.calls = []

    def attach_socket(self, params):
        self.calls.append("attach")
        return self.ours

    def start(self):
        self.calls.append("start")
        threading.Thread(target=self._print).start()

    def _print(self):
        try:
            for stream, data in self.frames:
                self.its.sendall(struct.pack(">BxxxL", stream, len(data)) + data)
        except OSError:
            # The reader has left.
            return
        if not self.endless:
            self.its.close()

    def kill(self):
        self.calls.append("kill")
        self.code = 137
        self.its.shutdown(socket.SHUT_RDWR)
        self.its.close()

    def wait(self):
        return {"StatusCode": self.code}

    def remove(self, **how):
        self.calls.append("remove")
        self.its.close()
        if how != {"force": True, "v": True}:
            raise AssertionError(how)


class Client:
    """A fake engine with one container."""

    def __init__(self, container):
        self.container, self.options = container, {}
        self.containers = self

    def create(self, image, command, **options):
        self.options = {"image": image, "command": command, **options}
        return self.container

    def list(self, **how):
        self.options = how
        return [self.container]

    def close(self):
        pass


@pytest.fixture(name="build")
def _build(tmp_path, monkeypatch):
    """Return a function that builds in a fake container: the build, and the container's options."""
    monkeypatch.setattr(site_box, "linux_node", lambda _: tmp_path / "node")
    monkeypatch.setattr(BaseImage, "ensure", lambda *_: "base:1")

    def build(container, within=20.0, compiled=None):
        client = Client(container)
        monkeypatch.setattr(Engine, "client", lambda _: client)
        image = BaseImage(Paths(tmp_path, tmp_path))
        box = SiteBox(Engine("unix:///engine", owned=True), image, within)
        (tmp_path / "into").mkdir()
        done = box.build(
            tmp_path / "site", tmp_path / "modules", compiled, tmp_path / "into", lambda _: None
        )
        return done, client.options

    return build


def test_container_has_nothing_of_the_machine(build, tmp_path, monkeypatch):
    """The container has no network, rights or variables, has limits, and mounts are read-only."""
    monkeypatch.setenv("PULL_RECOVERY_GATE_KEY", "secret")

    _, options = build(Container([(1, SITE_TAR)]), compiled=tmp_path / "compiled")

    assert options["network_mode"] == "none"
    assert options["user"] == "65534:65534"
    assert options["cap_drop"] == ["ALL"]
    assert options["security_opt"] == ["no-new-privileges"]
    assert options["read_only"] is True
    assert options["mem_limit"] == options["memswap_limit"] == 3 * 2**30
    assert options["pids_limit"] == 1024
    assert options["log_config"]["Type"] == "none"
    assert set(options["environment"]) == {
        "HOME",
        "TMPDIR",
        "PATH",
        "CI",
        "NO_COLOR",
        "NO_UPDATE_NOTIFIER",
    }
    assert {mount["Target"]: mount["Source"] for mount in options["mounts"]} == {
        SITE: str(tmp_path / "site"),
        f"{SITE}/node_modules": str(tmp_path / "modules"),
        "/usr/local/bin/node": str(tmp_path / "node"),
        "/compiled": str(tmp_path / "compiled"),
    }
    assert all(mount["ReadOnly"] and mount["Type"] == "bind" for mount in options["mounts"])
    assert all("size=" in tmpfs for tmpfs in options["tmpfs"].values())
    # By label and name the next run finds and removes the container of a killed run.
    assert options["labels"] == {LABEL: "docs"}
    assert options["name"].startswith("pull-recovery-passing-")
    assert not {"privileged", "cap_add", "devices", "pid_mode", "ipc_mode"} & set(options)


def test_results_come_from_stdout(build, tmp_path):
    """The container is removed when it has ended."""
    container = Container([(2, b"[INFO] "), (1, SITE_TAR[:100]), (1, SITE_TAR[100:]), (2, b"ok")])

    done, _ = build(container)

    assert (done.code, done.words) == (0, "[INFO] ok")
    assert (tmp_path / "into" / "build" / "index.html").read_text() == "a page"
    assert [path.name for path in (tmp_path / "into").iterdir()] == ["build"]
    assert container.calls == ["attach", "start", "remove"]


def test_failed_build_leaves_words_alone(build, tmp_path):
    """Earlier output of a failed build is no result."""
    done, _ = build(Container([(1, b"x" * 100), (2, b"[ERROR] broken \xff")], code=1))

    assert (done.code, done.words) == (1, "[ERROR] broken \ufffd")
    assert list((tmp_path / "into").iterdir()) == []


def test_endless_build_is_killed(build):
    """The error has the timeout of the build."""
    container = Container([(2, b"[INFO] building")], endless=True)

    with pytest.raises(LabError, match=r"not built within 0\.2 s"):
        build(container, within=0.2)

    assert container.calls == ["attach", "start", "kill", "remove"]


def test_memory_limit_is_clear_error(build):
    """The kernel kills the process without a message."""
    with pytest.raises(LabError, match="more than 3072 MiB of memory"):
        build(Container([(2, b"Killed")], code=137))


def test_site_that_is_too_large_is_given_up(build, monkeypatch):
    """The output of a large site would fill the disk."""
    monkeypatch.setattr(site_box, "_LONGEST_ARCHIVE", 1000)
    container = Container([(1, b"x" * 600)] * 5, endless=True)

    with pytest.raises(LabError, match="larger than"):
        build(container)

    assert container.calls[-1] == "remove"


def test_of_endless_words_the_last_are_kept(build, monkeypatch):
    """The output is held in memory, and stored."""
    monkeypatch.setattr(site_box, "_LONGEST_WORDS", 10)

    done, _ = build(Container([(2, b"x" * 1000), (2, b"[ERROR] y")], code=1))

    assert done.words == "x[ERROR] y"


def test_removed_container_is_no_error(monkeypatch):
    """Two callers may end the same build."""
    container = Container([])
    client = Client(container)
    monkeypatch.setattr(Engine, "client", lambda _: client)

    def gone(**_):
        container.ours.close()
        container.its.close()
        raise NotFound("gone")

    container.remove = gone
    stop_builds(Engine("unix:///engine", owned=True))

    assert client.options == {"all": True, "filters": {"label": f"{LABEL}=docs"}}


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("build/link", tarfile.SYMTYPE, "/etc/hostname"),
        ("build/link", tarfile.SYMTYPE, "index.html"),
        ("build/link", tarfile.LNKTYPE, "/etc/hostname"),
        ("build/fifo", tarfile.FIFOTYPE, b""),
        ("build/device", tarfile.CHRTYPE, b""),
        ("build/../../escaped", tarfile.REGTYPE, b"x"),
        ("/escaped", tarfile.REGTYPE, b"x"),
        ("../escaped", tarfile.REGTYPE, b"x"),
        ("elsewhere", tarfile.REGTYPE, b"x"),
        ("results.tar", tarfile.REGTYPE, b"x"),
        ("build", tarfile.REGTYPE, b"x"),
    ],
)
def test_result_outside_folder_is_refused(tmp_path, name, kind, content):
    """The result would be read or written elsewhere on this machine."""
    (tmp_path / "results.tar").write_bytes(_tar((name, kind, content)))
    (tmp_path / "into").mkdir()

    with pytest.raises(LabError, match="which is no result"):
        unpack(tmp_path / "results.tar", tmp_path / "into")

    assert list((tmp_path / "into").iterdir()) == []
    assert not (tmp_path / "escaped").exists()


def test_sparse_result_is_refused(tmp_path):
    """A sparse file declares any length, and takes no space in the archive."""
    entry = tarfile.TarInfo("build/sparse")
    entry.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1"}
    entry.pax_headers |= {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(2**40)}
    with tarfile.open(tmp_path / "results.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(entry)

    with pytest.raises(LabError, match=r"too many files|which is no result"):
        unpack(tmp_path / "results.tar", tmp_path)


@pytest.mark.parametrize(
    "archive",
    [
        b"",
        b"no tar",
        SITE_TAR[:1026],
        _tar(("build/a", tarfile.REGTYPE, b"x"), ("build/a/b", tarfile.REGTYPE, b"x")),
        _tar((f"build/{'a' * 300}", tarfile.REGTYPE, b"x")),
    ],
)
def test_unreadable_results_are_clear_error(tmp_path, archive):
    """The site's code can print anything."""
    (tmp_path / "results.tar").write_bytes(archive)

    with pytest.raises(LabError, match=r"^The results of the docs site's build cannot be read: "):
        unpack(tmp_path / "results.tar", tmp_path)


def test_results_of_too_many_files_are_refused(tmp_path, monkeypatch):
    """An empty file needs an inode too."""
    monkeypatch.setattr(site_box, "_MOST_FILES", 1)
    files = [(f"build/{number}", tarfile.REGTYPE, b"") for number in range(3)]
    (tmp_path / "results.tar").write_bytes(_tar(*files))

    with pytest.raises(LabError, match="too many files"):
        unpack(tmp_path / "results.tar", tmp_path)
