"""The runner: what gets into it and how, when it is used again, what its image is made of."""

import base64
import hashlib
import io
import os
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from docker.errors import BuildError, ImageNotFound, NotFound

from pullrecovery.errors import LabError
from pullrecovery.lab import runner, runner_shell, toolchain
from pullrecovery.lab.archive import archive
from pullrecovery.lab.images.runner import RunnerImage, runner_base
from pullrecovery.lab.paths import LABEL, Paths
from pullrecovery.lab.rootfs import BaseImage
from pullrecovery.lab.runner import ensure_runner, find_runner, remove_runner
from pullrecovery.lab.runner_shell import CASES, RunnerShell
from pullrecovery.lab.toolchain import Toolchain
from pullrecovery.observation import Credential
from pullrecovery.redaction import redact

TOKEN = "ghp_" + "R4nn3rT0ken" * 3 + "xyz"
CREDENTIAL = Credential("ByteQuester", TOKEN)
RUN_CASE = Path(runner.__file__).parent / "runner_files" / "run-case"
ENTRYPOINT = RUN_CASE.with_name("runner-entrypoint")
CA = b"the lab's CA\n"


@dataclass
class Host:
    """The runner as testinfra reaches it: it keeps what it is told, and answers in one way."""

    stdout: str = ""
    rc: int = 0
    error: type[BaseException] | None = None
    said: list[tuple[str, ...]] = field(default_factory=list)
    environment: list[str | None] = field(default_factory=list)

    def run(self, command, *arguments):
        self.said.append((command, *arguments))
        self.environment.append(os.environ.get("DOCKER_HOST"))
        if self.error and command.startswith("run-case"):
            raise self.error
        return SimpleNamespace(rc=self.rc, stdout=self.stdout, stderr="run-case: no such folder")


@dataclass
class Container:
    """A container of the engine's, as far as it is asked."""

    image: str = "pull-recovery/runner:1"
    labels: dict[str, str] = field(default_factory=dict)
    status: str = "running"
    name: str = runner.CONTAINER
    archives: list[tuple[str, bytes]] = field(default_factory=list)
    removed: bool = False
    ran: list[list[str]] = field(default_factory=list)

    @property
    def attrs(self):
        return {"Config": {"Image": self.image}}

    def put_archive(self, path, data):
        self.archives.append((path, data))

    def start(self):
        self.status = "running"

    def remove(self, **_):
        self.removed = True

    def reload(self):
        """Nothing changes."""

    def exec_run(self, command):
        self.ran.append(command)
        return SimpleNamespace(exit_code=0, output=b"")

    def logs(self, **_):
        return b"dockerd: it is so"


class Engine:
    """The engine's containers and volumes."""

    def __init__(self, *containers):
        self.there = {each.name: each for each in containers}
        self.created, self.volumes_made, self.volumes_removed = [], [], []
        self.containers = SimpleNamespace(get=self._get, create=self._create)
        config = [{"Subnet": "172.18.0.0/16"}]
        network = SimpleNamespace(attrs={"IPAM": {"Config": config}})
        self.networks = SimpleNamespace(get=lambda _: network)
        self.volumes = SimpleNamespace(create=self._volume, list=self._volumes)

    def _get(self, name):
        if name not in self.there or self.there[name].removed:
            raise NotFound(name)
        return self.there[name]

    def _create(self, image, command, **options):
        assert command == ["--bip=10.213.0.1/24"]
        made = Container(image, options["labels"], "created", options["name"])
        self.there[made.name] = made
        self.created.append(options)
        return made

    def _volume(self, name, **options):
        self.volumes_made.append((name, options))

    def _volumes(self, filters):
        assert filters == {"label": f"{LABEL}=runner"}
        return [
            SimpleNamespace(remove=lambda name=name: self.volumes_removed.append(name))
            for name, _ in self.volumes_made
        ]


@pytest.fixture(name="paths")
def _paths(tmp_path):
    paths = Paths(tmp_path / "cache", tmp_path / "state")
    (paths.certs / "ghcr.io").mkdir(parents=True)
    (paths.certs / "ghcr.io" / "ca.crt").write_bytes(CA)
    return paths


@pytest.fixture(name="host")
def _host(monkeypatch):
    host = Host()
    monkeypatch.setattr(runner_shell.testinfra, "get_host", lambda _: host)
    return host


def _line(rc=0, stdout="", stderr=""):
    """What run-case prints of a command."""
    out, err = (base64.b64encode(each.encode()).decode() for each in (stdout, stderr))
    return f"{rc}:{out}:{err}\n"


def _entries(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {
            each.name: (each.mode, each.uid, (tar.extractfile(each) or io.BytesIO()).read())
            for each in tar
        }


def _shell(container=None):
    return RunnerShell(container or Container(), "unix:///lab.sock")


def test_token_is_in_no_command(host):
    """The back end makes the command an argument of a process of this machine."""
    host.stdout = _line() + _line()

    _shell().run(["crane ls x"], first=["docker login"], credential=CREDENTIAL)

    assert not [word for words in host.said for word in words if TOKEN in word]


def test_token_goes_in_as_a_file_of_roots_in_memory(host):
    """Below a folder that nobody else may look into; the case then removes it."""
    host.stdout, container = _line(), Container()

    _shell(container).run(["x"], credential=CREDENTIAL)

    ((place, data),) = container.archives
    ((folder, top), (file, token)) = _entries(data).items()
    assert place == CASES
    assert top == (0o700, 0, b"")
    assert file == f"{folder}/token"
    assert token == (0o600, 0, TOKEN.encode())
    assert host.said == [("run-case %s %s %s", f"{CASES}/{folder}", "0", "x")]


def test_token_is_known_to_the_redaction(host):
    """Wherever a client may print it."""
    host.stdout = _line(stdout="the password is s3cr3t-of-nobody")

    (ran,) = _shell().run(["x"], credential=Credential("ByteQuester", "s3cr3t-of-nobody"))

    assert ran.stdout == redact("the password is s3cr3t-of-nobody") != "the password is s3cr3t"
    assert "s3cr3t" not in ran.stdout


def test_case_without_a_credential_has_no_token(host):
    """Nor a folder of another case."""
    host.stdout, container = _line(), Container()
    shell = _shell(container)

    shell.run(["x"])
    shell.run(["x"])

    folders = [list(_entries(data)) for _, data in container.archives]
    assert [len(each) for each in folders] == [1, 1]
    assert folders[0] != folders[1]


def test_commands_are_given_back_in_their_order(host):
    """Those that came first, then the others, each with what it printed."""
    host.stdout = _line(0, "Login Succeeded\n") + _line(1, "", "denied\n")

    ran = _shell().run(["b"], first=["a"])

    assert [(each.command, each.rc) for each in ran] == [("a", 0), ("b", 1)]
    assert [each.said for each in ran] == ["Login Succeeded", "denied"]
    assert host.said[0][2:] == ("1", "a", "b")


def test_engine_is_named_to_the_docker_client_for_the_while(host, monkeypatch):
    """Testinfra has no other way to say which one, and what was set before is set again."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///the-users.sock")
    host.stdout = _line()

    _shell().run(["x"])

    assert host.environment == ["unix:///lab.sock"]
    assert os.environ["DOCKER_HOST"] == "unix:///the-users.sock"


@pytest.mark.parametrize(("rc", "stdout"), [(127, ""), (0, _line())], ids=["failed", "short"])
def test_runner_that_fails_is_an_error_of_the_lab(host, rc, stdout):
    """And no answer of the registry's."""
    host.rc, host.stdout = rc, stdout

    with pytest.raises(LabError, match=r"^The runner could not run its commands"):
        _shell().run(["x", "y"])


def test_token_is_removed_where_the_case_never_began(host):
    """The test was interrupted between the two."""
    host.error = KeyboardInterrupt
    container = Container()

    with pytest.raises(KeyboardInterrupt):
        _shell(container).run(["x"], credential=CREDENTIAL)

    folder = next(iter(_entries(container.archives[0][1])))
    assert host.said[-1] == ("rm -rf %s", f"{CASES}/{folder}")


def test_case_runs_its_commands_with_no_login_and_leaves_nothing(tmp_path):
    """In turn, and then side by side; one that fails stops none of the others."""
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "token").write_text(TOKEN)
    commands = [
        'test ! -e "$DOCKER_CONFIG/config.json" && wc -c < "$TOKEN_FILE"',
        "echo first > shared; false | cat",
        "cat shared; exit 3",
        'echo "$HOME"; echo late >&2',
    ]

    done = subprocess.run(
        [str(RUN_CASE), str(folder), "2", *commands], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines(keepends=True) == [
        _line(0, f"{len(TOKEN)}\n"),
        _line(1),
        _line(3, "first\n"),
        _line(0, f"{folder}\n", "late\n"),
    ]
    assert not folder.exists()


def test_case_without_its_folder_runs_nothing(tmp_path):
    """There would be another's login in it."""
    done = subprocess.run(
        [str(RUN_CASE), str(tmp_path / "none"), "0", f"touch {tmp_path}/ran"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("script", [RUN_CASE, ENTRYPOINT], ids=lambda file: file.name)
def test_script_of_the_runner_is_bash(script):
    """As its first line says, and executable."""
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_archive_has_every_folder_above_a_file():
    """The outer one first, and only root may read the file."""
    entries = _entries(archive({"etc/docker/ca.crt": b"x", "empty/": b""}))

    assert list(entries) == ["empty", "etc", "etc/docker", "etc/docker/ca.crt"]
    assert entries["etc/docker"][0] == 0o755
    assert entries["etc/docker/ca.crt"] == (0o600, 0, b"x")


def test_new_runner_trusts_the_lab_and_is_labelled(host, paths):
    """Its CA lies where clients and where the engine look, before anything runs."""
    host.stdout, engine = "20.10.24\n", Engine()

    ensure_runner(engine, "unix:///lab.sock", paths, "pull-recovery/runner:1")

    ((place, data),) = engine.there[runner.CONTAINER].archives
    files = {name: content for name, (_, _, content) in _entries(data).items() if content}
    assert place == "/"
    assert set(files.values()) == {CA}
    assert {
        "usr/local/share/ca-certificates/pull-recovery.crt",
        "etc/docker/certs.d/ghcr.io/ca.crt",
    } <= set(files)
    (options,) = engine.created
    assert options["privileged"]
    assert options["network"] == "pull-recovery"
    assert options["labels"][LABEL] == "runner"


def test_new_runner_reaches_nothing_beyond_the_lab(host, paths):
    """The lab's network, that of its own containers, and itself."""
    host.stdout, engine = "20.10.24\n", Engine()

    ensure_runner(engine, "unix:///lab.sock", paths, "pull-recovery/runner:1")

    ((_, _, script),) = engine.there[runner.CONTAINER].ran
    assert "for network in 127.0.0.0/8 172.18.0.0/16 10.213.0.0/24; do" in script


def test_secrets_of_a_runner_never_touch_a_disk(host, paths):
    """They lie on a volume in memory, as the engine can put files into no other."""
    host.stdout, engine = "20.10.24\n", Engine()

    ensure_runner(engine, "unix:///lab.sock", paths, "pull-recovery/runner:1")

    made = {name: options["driver_opts"] for name, options in engine.volumes_made}
    places = {mount["Target"]: mount["Source"] for mount in engine.created[0]["mounts"]}
    assert made[places[CASES]] == {"type": "tmpfs", "device": "tmpfs", "o": "size=64m,mode=0700"}
    assert made[places["/var/lib/docker"]] == {}
    assert all(options["labels"] == {LABEL: "runner"} for _, options in engine.volumes_made)


def _fitting(**changes):
    trusts = {f"{LABEL}.trusts": hashlib.sha256(CA).hexdigest()}
    return Container(**{"labels": {LABEL: "runner", **trusts}, **changes})


@pytest.mark.parametrize(
    ("changes", "answer", "reused"),
    [
        ({}, "20.10.24\n", True),
        ({}, "", False),
        ({"image": "pull-recovery/runner:0"}, "20.10.24\n", False),
        ({"status": "exited"}, "20.10.24\n", False),
        ({"labels": {LABEL: "runner", f"{LABEL}.trusts": "0ld"}}, "20.10.24\n", False),
    ],
    ids=["good", "engine dead", "other image", "ended", "other CA"],
)
def test_runner_is_used_again_if_all_of_it_fits(host, paths, changes, answer, reused):
    """A stand-in that was replaced has another CA, which an old runner does not trust."""
    host.stdout, engine = answer, Engine(_fitting(**changes))

    seen = find_runner(engine, "unix:///lab.sock", paths, "pull-recovery/runner:1")

    assert (seen is not None) is reused


def test_runner_that_does_not_fit_is_replaced(host, paths):
    """With its volumes, so that nothing of the old one is seen in the new."""
    host.stdout, old = "20.10.24\n", _fitting(image="pull-recovery/runner:0")
    engine = Engine(old)
    engine.volumes_made = [("old-data", {"driver_opts": {}, "labels": {LABEL: "runner"}})]

    ensure_runner(engine, "unix:///lab.sock", paths, "pull-recovery/runner:1")

    assert old.removed
    assert engine.volumes_removed == ["old-data"]
    assert len(engine.created) == 1


def test_container_of_somebody_elses_is_left_alone():
    """It only has the same name."""
    theirs = Container(labels={})

    with pytest.raises(LabError, match="that is not the lab's"):
        remove_runner(Engine(theirs))
    assert not theirs.removed


def _image(paths, *, pulled=False):
    tools = Toolchain(paths, Path("go"))
    kubectl = toolchain.kubernetes("1.37.2")
    return RunnerImage(tools, runner_base(paths, pulled=pulled), kubectl)


def test_image_of_the_runner_is_named_by_all_that_is_in_it(paths, monkeypatch, tmp_path):
    """Another base, another kubectl or another script is another image."""
    tags = {_image(paths).tag, _image(paths, pulled=True).tag}
    other = RunnerImage(_image(paths).tools, _image(paths).base, toolchain.kubernetes("1.34.4"))
    tags.add(other.tag)
    (tmp_path / "run-case").write_text("another")
    monkeypatch.setattr("pullrecovery.lab.images.runner._FILES", tmp_path)
    tags.add(_image(paths).tag)

    assert len(tags) == 4
    assert _image(paths).tag == _image(paths).tag


def test_runner_has_a_base_of_its_own(paths):
    """With an engine and skopeo; under the node there is neither."""
    node, own = BaseImage(paths), runner_base(paths, pulled=False)

    assert node.tag.startswith("pull-recovery/base:")
    assert own.tag.startswith("pull-recovery/runner-base:")
    assert node.tar != own.tar
    assert {"docker.io", "skopeo", "jq", "git"} <= set(own.packages.names)
    assert not {"docker.io", "skopeo"} & set(node.packages.names)


class Images:
    """An engine with no image, whose builds find no package."""

    def __init__(self, *, packages):
        self.packages, self.built, self.imported = packages, [], []
        self.images = SimpleNamespace(get=self._get, build=self._build)
        self.api = SimpleNamespace(import_image=lambda **given: self.imported.append(given))

    def _get(self, name):
        raise ImageNotFound(name)

    def _build(self, *, tag, **_):
        self.built.append(tag)
        if not self.packages:
            raise BuildError("E: Unable to locate package skopeo", [])


@pytest.mark.parametrize(
    ("pulled", "packages", "built", "imported"),
    [(True, True, 1, 0), (True, False, 1, 1), (False, True, 0, 1)],
    ids=["published", "published without a way to packages", "bootstrapped"],
)
def test_base_is_had_by_either_way(paths, pulled, packages, built, imported):
    """Under one tag, with no network in a container where there is none."""
    base, said = runner_base(paths, pulled=pulled), []
    tar = runner_base(paths, pulled=False).tar
    tar.parent.mkdir(parents=True)
    tar.touch()
    engine = Images(packages=packages)

    assert base.ensure(engine, said.append) == base.tag
    assert len(engine.built) == built
    assert len(engine.imported) == imported
    for given in engine.imported:
        assert given["src"] == str(tar)
        assert f"{given['repository']}:{given['tag']}" == base.tag
    assert any("bootstrapped: E: Unable" in line for line in said) is (pulled and not packages)


def test_context_of_the_image_holds_every_program_executable(paths, tmp_path):
    """The classic builder sets no modes."""
    image = _image(paths)
    for name, tool in image.binaries.items():
        folder = image.tools.folder(tool)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("#!/bin/sh\n")
    context = tmp_path / "context"
    context.mkdir()

    image.lay_out(context, "pull-recovery/runner-base:1")

    assert (context / "Dockerfile").read_text().startswith("FROM pull-recovery/runner-base:1\n")
    assert "--chmod" not in (context / "Dockerfile").read_text()
    programs = {file.name: file.stat().st_mode & 0o777 for file in (context / "bin").iterdir()}
    assert set(programs) == {*image.binaries, "run-case", "runner-entrypoint"}
    assert set(programs.values()) == {0o755}
