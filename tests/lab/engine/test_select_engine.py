"""The engine that the lab selects, and the errors of unusable ones."""

import gc
import json

import pytest
from docker.context.config import get_context_id

from pullrecovery.common.errors import LabError
from pullrecovery.lab.engine import select_engine as engines
from pullrecovery.lab.engine.dockerd import OwnEngine
from pullrecovery.lab.engine.endpoints import EngineEndpoint, endpoints
from pullrecovery.lab.engine.engine import Engine, answers, facts_of, why_unfit
from pullrecovery.lab.engine.select_engine import running_engine, user_engine
from pullrecovery.lab.paths import Paths


@pytest.fixture(name="home", autouse=True)
def _home(monkeypatch, tmp_path):
    """Return a user's empty home, with no engine at any usual socket."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path


@pytest.fixture(name="answering")
def _answering(monkeypatch):
    """Return the addresses at which an engine answers."""
    hosts = set()
    for module in ("select_engine", "dockerd"):
        monkeypatch.setattr(f"pullrecovery.lab.engine.{module}.answers", hosts.__contains__)
    return hosts


def _context(home, name, host):
    """Write a context as `docker context create` does, and use it."""
    folder = home / ".docker" / "contexts" / "meta" / get_context_id(name)
    folder.mkdir(parents=True)
    endpoint = {"docker": {"Host": host, "SkipTLSVerify": False}}
    (folder / "meta.json").write_text(
        json.dumps({"Name": name, "Metadata": {}, "Endpoints": endpoint})
    )
    (home / ".docker" / "config.json").write_text(json.dumps({"currentContext": name}))


def _paths(home):
    return Paths(home / "cache", home / "state")


def test_docker_host_comes_first(monkeypatch, home):
    """DOCKER_HOST comes first, as for the docker command."""
    _context(home, "colima", "unix:///colima.sock")
    monkeypatch.setenv("DOCKER_HOST", "unix:///mine.sock")

    assert endpoints() == [EngineEndpoint("unix:///mine.sock", "DOCKER_HOST=unix:///mine.sock")]


def test_context_in_use_comes_next(home):
    """Docker Desktop and similar programs set a context."""
    _context(home, "colima", "unix:///colima.sock")

    assert endpoints() == [EngineEndpoint("unix:///colima.sock", "the docker context colima")]


def test_context_that_is_not_there_is_named(monkeypatch):
    """No other engine is used instead."""
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")

    with pytest.raises(LabError, match=r"^The docker context gone is not there; `docker context"):
        endpoints()


def test_context_that_cannot_be_read_is_named(home):
    """The error is one line, whatever the file contains."""
    _context(home, "colima", "unix:///colima.sock")
    next(home.rglob("meta.json")).write_text("{")

    with pytest.raises(LabError, match=r"^The docker context in use cannot be read: "):
        endpoints()


def test_rootless_socket_is_a_usual_one(home):
    """The socket is in the user's runtime directory."""
    socket = home / "run" / "docker.sock"
    socket.parent.mkdir()
    socket.touch()

    assert EngineEndpoint(f"unix://{socket}") in endpoints()


@pytest.mark.parametrize(
    ("host", "remote"),
    [
        ("unix:///var/run/docker.sock", False),
        ("tcp://127.0.0.1:2375", False),
        ("tcp://build.example:2376", True),
        ("ssh://me@build.example", True),
    ],
)
def test_remote_engine_is_known_by_address(host, remote):
    """Directories of this machine cannot be mounted in a remote engine."""
    assert EngineEndpoint(host).remote is remote


def test_engine_on_another_machine_is_refused(home, answering):
    """The error says what to do, and comes before any request."""
    _context(home, "build", "ssh://me@build.example")

    with pytest.raises(LabError, match=r"^the docker context build leads to an engine on another"):
        user_engine()
    assert not answering


def test_silent_named_engine_is_error(monkeypatch, answering):
    """Another engine at the usual socket is not used instead."""
    answering.add("unix:///var/run/docker.sock")
    monkeypatch.setenv("DOCKER_HOST", "unix:///mine.sock")

    with pytest.raises(LabError, match=r"^DOCKER_HOST=unix:///mine\.sock leads to no engine that"):
        user_engine()


def test_own_engine_comes_first(monkeypatch, home, answering):
    """A lab that was started in its own engine is found there again."""
    own = OwnEngine(_paths(home)).host
    monkeypatch.setattr(engines, "endpoints", lambda: [EngineEndpoint("unix:///found.sock")])
    answering |= {own, "unix:///found.sock"}

    assert running_engine(_paths(home)) == Engine(own, owned=True)

    answering.remove(own)
    assert running_engine(_paths(home)) == Engine("unix:///found.sock", owned=False)


def test_named_engine_comes_before_its_own(monkeypatch, home, answering):
    """An explicit name has priority."""
    answering |= {OwnEngine(_paths(home)).host, "unix:///mine.sock"}
    monkeypatch.setenv("DOCKER_HOST", "unix:///mine.sock")

    assert running_engine(_paths(home)) == Engine("unix:///mine.sock", owned=False)


def test_own_engine_may_be_named_and_dead(monkeypatch, home, answering):
    """The engine is started again, as without the name."""
    monkeypatch.setenv("DOCKER_HOST", OwnEngine(_paths(home)).host)

    assert running_engine(_paths(home)) is None
    assert not answering


def test_dead_socket_answers_nothing(tmp_path):
    """No descriptor stays open, which would be an error of a later test."""
    assert not answers(f"unix://{tmp_path}/nowhere.sock")
    gc.collect()


DOCKER = {"Version": "28.1.0", "Components": [{"Name": "Engine"}, {"Name": "containerd"}]}
PODMAN = {"Version": "5.4.0", "Components": [{"Name": "Podman Engine"}]}
ROOTLESS = ["name=seccomp,profile=builtin", "name=rootless"]


@pytest.mark.parametrize(
    ("version", "info", "seen", "unfit"),
    [
        (DOCKER, {"CgroupVersion": "2"}, "Docker 28.1.0, cgroup v2", ""),
        (DOCKER, {}, "Docker 28.1.0, cgroup v1", ""),
        (
            DOCKER,
            {"CgroupVersion": "2", "SecurityOptions": ROOTLESS},
            "Docker 28.1.0, rootless, cgroup v2",
            "",
        ),
        (
            DOCKER,
            {"CgroupVersion": "1", "SecurityOptions": ROOTLESS},
            "Docker 28.1.0, rootless, cgroup v1",
            "it is rootless on a machine with cgroup v1",
        ),
        (
            DOCKER,
            {"CgroupVersion": "2", "OSType": "windows"},
            "Docker 28.1.0, cgroup v2",
            "it runs windows containers",
        ),
        (PODMAN, {"CgroupVersion": "2"}, "Podman 5.4.0, cgroup v2", "it is Podman's"),
    ],
    ids=["v2", "v1", "rootless", "rootless on v1", "windows", "podman"],
)
def test_engine_is_fit_or_it_is_said_why_not(version, info, seen, unfit):
    """The decision uses the engine's own information."""
    facts = facts_of(version, info)

    assert str(facts) == seen
    assert why_unfit(facts).startswith(unfit)
    assert bool(why_unfit(facts)) is bool(unfit)
