"""The runner: its input, its reuse, and the content of its image."""

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

from pullrecovery.common.errors import LabError
from pullrecovery.common.redaction import redact
from pullrecovery.lab.engine.containers import Execution
from pullrecovery.lab.engine.tar_archive import archive
from pullrecovery.lab.images.base_rootfs import BaseImage
from pullrecovery.lab.images.runner import BUILT_AS, RunnerImage, runner_base
from pullrecovery.lab.paths import LABEL, Paths
from pullrecovery.lab.runner import container as runner
from pullrecovery.lab.runner import shell as runner_shell
from pullrecovery.lab.runner.container import ensure_runner, find_runner, remove_runner
from pullrecovery.lab.runner.shell import CASES, RunnerShell
from pullrecovery.lab.tools import toolchain
from pullrecovery.lab.tools.toolchain import Toolchain
from pullrecovery.model.probe import Credential
from tests.fakes.exec_api import client_of

TOKEN = "ghp_" + "R4nn3rT0ken" * 3 + "xyz"
CREDENTIAL = Credential("ByteQuester", TOKEN)
RUN_CASE = Path(runner.__file__).parent / "runner_files" / "run-case"
ENTRYPOINT = RUN_CASE.with_name("runner-entrypoint")
CA = b"the lab's CA\n"


@dataclass
class Fed:
    """A fake command in the runner that records its input, and always answers alike."""

    results: tuple[tuple[int, str, str], ...] = ((0, "", ""),)
    stderr: bytes = b""
    commands: list[list[str]] = field(default_factory=list)
    given: list[bytes] = field(default_factory=list)

    def __call__(self, container, command, given):
        assert container.name == runner.CONTAINER
        self.commands.append(command)
        self.given.append(given)
        files = {}
        for at, (rc, out, err) in enumerate(self.results):
            files |= {f"{at}.rc": f"{rc}\n", f"{at}.out": out, f"{at}.err": err}
        printed = archive({name: text.encode() for name, text in files.items()})
        return Execution(0, printed, self.stderr)


@dataclass
class Container:
    """A fake container of the engine, with the used attributes."""

    image: str = "pull-recovery/runner:1"
    labels: dict[str, str] = field(default_factory=dict)
    status: str = "running"
    name: str = runner.CONTAINER
    archives: list[tuple[str, bytes]] = field(default_factory=list)
    removed: bool = False
    ran: list[list[str]] = field(default_factory=list)
    output: bytes = b"20.10.24\n"
    id: str = "runner"

    @property
    def client(self):
        return client_of(self._answer)

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
        """Change nothing."""

    def _answer(self, command, _):
        self.ran.append(command)
        return 0, self.output, b""

    def logs(self, **_):
        return b"dockerd: it is so"


class Engine:
    """A fake engine's containers and volumes."""

    def __init__(self, *containers):
        self.there = {container.name: container for container in containers}
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


@pytest.fixture(name="fed")
def _fed(monkeypatch):
    fed = Fed()
    monkeypatch.setattr(runner_shell, "execute", fed)
    return fed


def _entries(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {
            each.name: (each.mode, each.uid, (tar.extractfile(each) or io.BytesIO()).read())
            for each in tar
        }


def _shell():
    return RunnerShell(Container())


def test_token_is_in_no_command(fed):
    """Every process list shows commands."""
    fed.results *= 2

    _shell().run(["crane ls x"], first=["docker login"], credential=CREDENTIAL)

    assert not [word for words in fed.commands for word in words if TOKEN in word]


def test_token_goes_in_as_a_file_of_roots(fed):
    """The token comes by standard input, and the case gets its length."""
    _shell().run(["x"], credential=CREDENTIAL, files={"repo/a": b"b"})

    (given,) = fed.given
    assert _entries(given) == {
        "repo": (0o700, 0, b""),
        "repo/a": (0o600, 0, b"b"),
        "token": (0o600, 0, TOKEN.encode()),
    }
    assert fed.commands[0][2:] == ["0", str(len(given)), "x"]


def test_token_is_known_to_the_redaction(fed):
    """A client may print the token anywhere."""
    fed.results = ((0, "the password is s3cr3t-of-nobody", ""),)

    (ran,) = _shell().run(["x"], credential=Credential("ByteQuester", "s3cr3t-of-nobody"))

    assert ran.stdout == redact("the password is s3cr3t-of-nobody") != "the password is s3cr3t"
    assert "s3cr3t" not in ran.stdout


def test_case_has_folder_in_memory(fed):
    """A case without a credential has no token."""
    shell = _shell()

    shell.run(["x"])
    shell.run(["x"])

    folders = {command[1] for command in fed.commands}
    assert len(folders) == 2
    assert {folder.rpartition("/")[0] for folder in folders} == {CASES}
    assert [_entries(each) for each in fed.given] == [{}, {}]


def test_commands_keep_order(fed):
    """The first commands run in order and then the others, each with its output."""
    fed.results = ((0, "Login Succeeded\n", ""), (1, "", "denied\n"))

    ran = _shell().run(["b"], first=["a"])

    assert [(each.command, each.rc) for each in ran] == [("a", 0), ("b", 1)]
    assert [each.said for each in ran] == ["Login Succeeded", "denied"]
    (command,) = fed.commands
    assert (command[0], command[2], command[4:]) == ("run-case", "1", ["a", "b"])


def test_short_runner_output_is_lab_error(fed):
    """Short output is no answer of the registry."""
    fed.stderr = b"run-case: killed"

    with pytest.raises(LabError, match=r"^The runner could not run its commands: run-case: killed"):
        _shell().run(["x", "y"])


def test_failed_case_start_is_lab_error(monkeypatch):
    """The error has the engine's own message."""
    failed = Execution(127, b"no such file: run-case", b"")
    monkeypatch.setattr(runner_shell, "execute", lambda *_: failed)

    with pytest.raises(LabError, match=r"could not run its commands: no such file: run-case"):
        _shell().run(["x"])


def _run_case(folder, count, commands, given):
    """Run the script itself, on this machine."""
    return subprocess.run(
        [str(RUN_CASE), str(folder), str(count), str(len(given)), *commands],
        input=given,
        capture_output=True,
        check=False,
    )


def test_case_has_no_login(tmp_path):
    """Commands run in turn, and then in parallel; a failure stops no other command."""
    folder = tmp_path / "case"
    commands = [
        'test ! -e "$DOCKER_CONFIG/config.json" && wc -c < "$TOKEN_FILE"',
        "echo first > shared; false | cat",
        "cat shared; exit 3",
        'echo "$HOME"; echo late >&2',
    ]

    done = _run_case(folder, 2, commands, archive({"token": TOKEN.encode()}))

    printed = {name: text.decode() for name, (_, _, text) in _entries(done.stdout).items()}
    assert [printed[f"{at}.rc"] for at in range(4)] == ["0\n", "1\n", "3\n", "0\n"]
    outputs = [printed[f"{at}.out"] for at in range(4)]
    assert outputs == [f"{len(TOKEN)}\n", "", "first\n", f"{folder}\n"]
    assert [printed[f"{at}.err"] for at in range(4)] == ["", "", "", "late\n"]
    assert not folder.exists()


def test_case_in_existing_folder_is_refused(tmp_path):
    """The directory may hold another case's login, and is left unchanged."""
    done = _run_case(tmp_path, 0, [f"touch {tmp_path}/ran"], archive({}))

    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_incomplete_case_runs_nothing(tmp_path):
    """The process that began the input has ended."""
    given, folder = archive({"token": TOKEN.encode()}), tmp_path / "case"
    command = [str(RUN_CASE), str(folder), "0", str(len(given)), f"touch {tmp_path}/ran"]

    done = subprocess.run(command, input=given[:700], capture_output=True, check=False)

    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("script", [RUN_CASE, ENTRYPOINT], ids=lambda file: file.name)
def test_script_of_the_runner_is_bash(script):
    """The first line names bash, and the file is executable."""
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_archive_has_every_folder_above_a_file():
    """Outer directories come first, and only root may read the file."""
    entries = _entries(archive({"etc/docker/ca.crt": b"x", "empty/": b""}))

    assert list(entries) == ["empty", "etc", "etc/docker", "etc/docker/ca.crt"]
    assert entries["etc/docker"][0] == 0o755
    assert entries["etc/docker/ca.crt"] == (0o600, 0, b"x")


def test_new_runner_trusts_lab(paths):
    """The CA is where clients and the engine read it before anything runs."""
    engine = Engine()

    ensure_runner(engine, paths, "pull-recovery/runner:1")

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


def test_new_runner_reaches_only_lab(paths):
    """The runner reaches the lab's network, that of its own containers, and itself."""
    engine = Engine()

    ensure_runner(engine, paths, "pull-recovery/runner:1")

    *_, (_, _, script) = engine.there[runner.CONTAINER].ran
    assert "for network in 127.0.0.0/8 172.18.0.0/16 10.213.0.0/24; do" in script


def test_runner_secrets_stay_in_memory(paths):
    """Cases are in memory, and the engine's data on a volume of its own."""
    engine = Engine()

    ensure_runner(engine, paths, "pull-recovery/runner:1")

    (options,) = engine.created
    assert options["tmpfs"] == {CASES: "size=64m,mode=0700,exec"}
    ((name, made),) = engine.volumes_made
    assert [(each["Target"], each["Source"]) for each in options["mounts"]] == [
        ("/var/lib/docker", name)
    ]
    assert made == {"labels": {LABEL: "runner"}}


def _fitting(**changes):
    trusts = {f"{LABEL}.trusts": hashlib.sha256(CA).hexdigest()}
    return Container(**{"labels": {LABEL: "runner", **trusts}, **changes})


@pytest.mark.parametrize(
    ("changes", "answer", "reused"),
    [
        ({}, b"20.10.24\n", True),
        ({}, b"", False),
        ({"image": "pull-recovery/runner:0"}, b"20.10.24\n", False),
        ({"status": "exited"}, b"20.10.24\n", False),
        ({"labels": {LABEL: "runner", f"{LABEL}.trusts": "0ld"}}, b"20.10.24\n", False),
    ],
    ids=["good", "engine dead", "other image", "ended", "other CA"],
)
def test_matching_runner_is_reused(paths, changes, answer, reused):
    """A replaced emulator has another CA, which an old runner does not trust."""
    engine = Engine(_fitting(output=answer, **changes))

    seen = find_runner(engine, paths, "pull-recovery/runner:1")

    assert (seen is not None) is reused


def test_runner_that_does_not_fit_is_replaced(paths):
    """The volumes are removed too, so that nothing of the old runner stays."""
    old = _fitting(image="pull-recovery/runner:0")
    engine = Engine(old)
    engine.volumes_made = [("old-data", {"driver_opts": {}, "labels": {LABEL: "runner"}})]

    ensure_runner(engine, paths, "pull-recovery/runner:1")

    assert old.removed
    assert engine.volumes_removed == ["old-data"]
    assert len(engine.created) == 1


class Disk:
    """A fake file system of a container: a directory in which archives are unpacked."""

    def __init__(self, root):
        self.root, self.unpacked = root, 0
        self.id, self.client = "disk", client_of(self._answer)

    def _answer(self, command, _):
        link = self.root / command[1].lstrip("/")
        assert command[0] == "readlink"
        there = str(link.readlink()) if link.is_symlink() else ""
        return int(not there), there.encode(), b""

    def put_archive(self, place, file):
        assert place == "/"
        self.unpacked += 1
        with tarfile.open(fileobj=file) as tar:
            tar.extractall(self.root, filter="fully_trusted")  # noqa: S202 - made by the test


def test_program_is_installed_once(tmp_path):
    """The directory's name comes from the content; an interrupted copy has no link yet."""
    disk, built = Disk(tmp_path / "disk"), []
    for content in ("one", "two"):
        folder = tmp_path / f"argocd-{content}"
        folder.mkdir()
        (folder / "cmd").write_text(content)
        built.append(folder / "cmd")
    shell = RunnerShell(disk)

    for program in (built[0], built[0], built[1]):
        shell.install(program, "argocd")

    assert disk.unpacked == 2
    assert (disk.root / "usr/local/bin/argocd").readlink() == Path("/opt/argocd-two/argocd")
    assert (disk.root / "opt/argocd-two/argocd").read_text() == "two"


def test_foreign_container_is_kept():
    """The container only has the name of the runner."""
    theirs = Container(labels={})

    with pytest.raises(LabError, match="that is not the lab's"):
        remove_runner(Engine(theirs))
    assert not theirs.removed


def _image(paths, *, pulled=False):
    tools = Toolchain(paths, Path("go"))
    kubectl = toolchain.kubernetes("1.37.2")
    return RunnerImage(tools, runner_base(paths, pulled=pulled), kubectl)


def test_runner_image_is_named_by_content(paths, monkeypatch, tmp_path):
    """Another base, kubectl or script gives another image."""
    tags = {_image(paths).tag, _image(paths, pulled=True).tag}
    other = RunnerImage(_image(paths).tools, _image(paths).base, toolchain.kubernetes("1.34.4"))
    tags.add(other.tag)
    (tmp_path / "run-case").write_text("another")
    monkeypatch.setattr("pullrecovery.lab.images.runner._FILES", tmp_path)
    tags.add(_image(paths).tag)

    assert len(tags) == 4
    assert _image(paths).tag == _image(paths).tag


def test_runner_has_a_base_of_its_own(paths):
    """The base has an engine and skopeo; the base of the node has neither."""
    node, own = BaseImage(paths), runner_base(paths, pulled=False)

    assert node.tag.startswith("pull-recovery/base:")
    assert own.tag.startswith("pull-recovery/runner-base:")
    assert node.tar != own.tar
    assert {"docker.io", "skopeo", "jq", "git"} <= set(own.packages.names)
    assert not {"docker.io", "skopeo"} & set(node.packages.names)


class Images:
    """A fake engine without images, whose builds find no package."""

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
def test_base_is_pulled_or_built(paths, pulled, packages, built, imported):
    """The base is built or imported under one tag, with or without a network in containers."""
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


def test_image_context_has_programs(paths, tmp_path):
    """The classic builder sets no modes."""
    image = _image(paths)
    for name, tool in image.binaries.items():
        folder = image.tools.folder(tool)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / BUILT_AS.get(name, name)).write_text("#!/bin/sh\n")
    context = tmp_path / "context"
    context.mkdir()

    image.lay_out(context, "pull-recovery/runner-base:1")

    assert (context / "Dockerfile").read_text().startswith("FROM pull-recovery/runner-base:1\n")
    assert "--chmod" not in (context / "Dockerfile").read_text()
    programs = {file.name: file.stat().st_mode & 0o777 for file in (context / "bin").iterdir()}
    assert set(programs) == {*image.binaries, "run-case", "runner-entrypoint"}
    assert set(programs.values()) == {0o755}
