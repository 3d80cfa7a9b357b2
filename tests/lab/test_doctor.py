"""The checks of the doctor and their fixes, where no engine is needed."""

from typing import NamedTuple

import pytest

from pullrecovery.lab.doctor import Finding, examine
from pullrecovery.lab.engine.dockerd import why_not_own
from pullrecovery.lab.paths import Paths

GIB = 2**30


class Usage(NamedTuple):
    """The result of `shutil.disk_usage`."""

    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch):
    """No engine answers here, and the lab may not start one."""
    for module in ("select_engine", "dockerd"):
        monkeypatch.setattr(f"pullrecovery.lab.engine.{module}.answers", lambda _: False)
    monkeypatch.setenv("DOCKER_CONFIG", "/nowhere")
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "HTTPS_PROXY", "https_proxy", "IMAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ENGINE", "never")


def _ask(what, cache, state):
    return next(finding for finding in examine(Paths(cache, state)) if finding.what == what)


def test_folder_with_blank_is_bad(tmp_path):
    """The lab's tools get the path through a shell."""
    finding = _ask("folders", tmp_path / "my cache", tmp_path / "state")

    assert str(finding) == (
        f"BAD folders        {tmp_path}/my cache, {tmp_path}/state"
        " -- set XDG_STATE_HOME and XDG_CACHE_HOME to folders without spaces in their names"
    )


def test_folder_without_blanks_is_ok(tmp_path):
    """The directory need not exist yet."""
    finding = _ask("folders", tmp_path / "cache", tmp_path / "state")

    assert str(finding) == f"ok  folders        {tmp_path}/cache, {tmp_path}/state"


@pytest.mark.parametrize(("free", "ok"), [(3 * GIB, False), (25 * GIB, True)], ids=["3", "25"])
def test_disk_must_have_25_gib(monkeypatch, tmp_path, free, ok):
    """The parent's free space counts where the cache does not exist yet."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(0, 0, free))

    finding = _ask("disk", tmp_path / "not" / "yet", tmp_path / "state")

    assert finding.ok is ok
    assert finding.seen == f"{free // GIB} GiB free in {tmp_path}"
    assert finding.fix == ("free some space, or set XDG_CACHE_HOME to a folder with 25 GiB")


def test_missing_engine_is_bad(tmp_path):
    """The line says why the lab cannot start its own engine."""
    finding = _ask("engine", tmp_path / "cache", tmp_path / "state")

    assert str(finding) == (
        "BAD engine         none answers -- ENGINE=never forbids the lab to start one"
    )


def test_engine_that_is_named_must_answer(monkeypatch, tmp_path):
    """No other engine is used instead."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    finding = _ask("engine", tmp_path / "cache", tmp_path / "state")

    assert str(finding) == (
        "BAD engine         DOCKER_HOST=unix:///nowhere/docker.sock leads to no engine that"
        " answers at unix:///nowhere/docker.sock; start that engine, or unset it."
    )


def test_doctor_changes_nothing(tmp_path):
    """The doctor only reads."""
    findings = examine(Paths(tmp_path / "cache", tmp_path / "state"))

    assert [finding.what for finding in findings] == [
        "machine",
        "python",
        "engine",
        "docker client",
        "mmdebstrap",
        "go",
        "disk",
        "memory",
        "folders",
        "proxy",
        "capabilities",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("user", "programs", "reason"),
    [
        (1000, ["dockerd"], "the lab starts one only as root: start Docker, or set DOCKER_HOST"),
        (0, [], "the lab installs one on Debian and Ubuntu only: install Docker and start it"),
        (0, ["apt-get"], ""),
        (0, ["dockerd"], ""),
    ],
    ids=["not root", "neither dockerd nor apt-get", "can install", "can start"],
)
def test_own_engine_needs_root(monkeypatch, user, programs, reason):
    """Each missing condition has its fix."""
    monkeypatch.setenv("ENGINE", "auto")
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr("shutil.which", lambda name: name if name in programs else None)

    assert why_not_own() == reason


def test_fix_is_printed_where_needed():
    """A line with `ok` has no fix."""
    assert str(Finding("disk", True, "90 GiB", "free some")) == "ok  disk           90 GiB"
    assert str(Finding("disk", False, "3 GiB")) == "BAD disk           3 GiB"


def test_proxy_is_named_without_its_address(monkeypatch, tmp_path):
    """The address may hold a password."""
    monkeypatch.setenv("https_proxy", "http://me:secret@proxy:3128")

    finding = _ask("proxy", tmp_path / "cache", tmp_path / "state")

    assert str(finding) == (
        "ok  proxy          https_proxy set: for downloads alone, the cluster is given none"
    )


def test_rootless_build_needs_mmdebstrap(monkeypatch, tmp_path):
    """Other machines may use an image registry, or the lab installs mmdebstrap."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setenv("IMAGES", "build")

    assert not _ask("mmdebstrap", tmp_path / "cache", tmp_path / "state").ok

    monkeypatch.setenv("IMAGES", "auto")
    assert _ask("mmdebstrap", tmp_path / "cache", tmp_path / "state").ok


@pytest.mark.parametrize(
    ("system", "ok"), [("linux", True), ("darwin", True), ("win32", False)], ids=str
)
def test_machine_must_be_linux_or_macos(monkeypatch, tmp_path, system, ok):
    """On Windows the lab runs in Linux."""
    monkeypatch.setattr("sys.platform", system)

    assert _ask("machine", tmp_path / "cache", tmp_path / "state").ok is ok
