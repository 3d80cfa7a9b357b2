"""The lab's git server: the commands of its container run by a git in a test's directory."""

import io
import subprocess
import tarfile
from types import SimpleNamespace

import pytest

from pullrecovery.common.errors import LabError
from pullrecovery.lab.gitops import git_server
from pullrecovery.lab.gitops.git_server import GitServer, drop_branches
from pullrecovery.lab.paths import LABEL
from tests.fakes.exec_api import client_of


class Machine:
    """A fake container whose /srv is a directory."""

    labels, status = {LABEL: "git"}, "running"

    def __init__(self, root):
        self.root = root
        self.id, self.client = "git", client_of(self._answer)
        ports = {"9418/tcp": [{"HostIp": "127.0.0.1", "HostPort": "4711"}]}
        command = ["sh", "-c", "serve as an earlier version did"]
        self.attrs = {
            "Config": {"Image": "argocd", "Cmd": command},
            "NetworkSettings": {"Ports": ports},
        }
        (root / "git").mkdir(parents=True)
        (root / "trees").mkdir()
        made = ["git", "init", "--quiet", "--bare", f"{root}/git/monorepo.git"]
        subprocess.run(made, check=True)

    def put_archive(self, place, data):
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            tar.extractall(place.replace("/srv", str(self.root)), filter="data")

    def _answer(self, command, _, environment=None):
        here = [
            word.replace("/srv", str(self.root)).replace("git://127.0.0.1", f"{self.root}/git")
            for word in command
        ]
        path = {"PATH": "/usr/local/bin:/usr/bin:/bin", **(environment or {})}
        done = subprocess.run(here, capture_output=True, env=path, check=False)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def server(tmp_path):
    """Return a server with an empty repository."""
    return GitServer(Machine(tmp_path / "srv"))


@pytest.fixture
def folder(tmp_path):
    """Return a checkout with one file in a directory."""
    (tmp_path / "checkout" / "charts").mkdir(parents=True)
    (tmp_path / "checkout" / "charts" / "values.yaml").write_text("image:\n  tag: dev\n")
    return tmp_path / "checkout"


def test_repository_has_published_port(server):
    """`gate promote` pushes from this machine, which is outside of the lab's network."""
    assert server.outer_url == "git://127.0.0.1:4711/monorepo.git"


def test_server_of_other_command_is_ignored(server):
    """A container of an earlier version accepts no push, and must be replaced."""
    client = SimpleNamespace(containers=SimpleNamespace(get=lambda _: server.container))

    assert git_server.find_git_server(client, "argocd") is None


def test_commit_is_whole_folder(server, folder, tmp_path):
    """A file that was deleted from the directory is missing in the next commit too."""
    first = server.commit("frontend-dev-0a1b2c", folder)
    (folder / "charts" / "values.yaml").rename(folder / "charts" / "values-dev.yaml")
    second = server.commit("frontend-dev-0a1b2c", folder)

    assert first != second
    for commit, name in ((first, "values.yaml"), (second, "values-dev.yaml")):
        server.checkout(commit, tmp_path / commit)
        assert [each.name for each in (tmp_path / commit / "charts").iterdir()] == [name]


def test_same_content_again_is_the_same_commit(server, folder):
    """A remediation that runs twice changes nothing the second time."""
    assert server.commit("main", folder) == server.commit("main", folder)


def test_parallel_branches_are_separate(server, folder, tmp_path):
    """Each branch has its own index and tree, which are removed afterwards."""
    one = server.commit("one", folder)
    (folder / "charts" / "values.yaml").write_text("image:\n  tag: abc\n")
    server.commit("two", folder)

    server.checkout(one, tmp_path / "out")
    assert "dev" in (tmp_path / "out" / "charts" / "values.yaml").read_text()
    assert sorted(server.branches()) == ["one", "two"]
    assert list((server.container.root / "trees").iterdir()) == []


def test_branch_is_deleted_with_derived_ones(server, folder):
    """Other branches stay."""
    for name in ("dev-0a1b2c", "dev-0a1b2c-hotfix", "dev-0a1b2cd"):
        server.commit(name, folder)

    server.drop("dev-0a1b2c")
    server.drop("dev-0a1b2c")

    assert server.branches() == ["dev-0a1b2cd"]


def test_shell_characters_in_name_are_refused(server, folder):
    """The name is part of a shell script."""
    with pytest.raises(LabError, match="is no name for a branch"):
        server.commit("dev; rm", folder)


def test_unknown_commit_is_an_error(server, tmp_path):
    """An unknown commit is no empty directory."""
    with pytest.raises(LabError, match="has no commit"):
        server.checkout("0" * 40, tmp_path / "out")


def test_leftover_branches_are_removed(server, folder, monkeypatch):
    """A leftover branch is reported as a leak, as a namespace is."""
    client = SimpleNamespace(containers=SimpleNamespace(get=lambda _: server.container))
    server.commit("dev-0a1b2c", folder)

    assert drop_branches(client) == ["branch dev-0a1b2c"]
    assert server.branches() == []
    monkeypatch.setattr(git_server, "find_git_server", lambda _: None)
    assert drop_branches(client) == []
