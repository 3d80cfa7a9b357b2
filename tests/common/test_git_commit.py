"""Check which commit a file is from."""

import subprocess

import pytest

from pullrecovery.common.git_commit import head_commit

_AUTHOR = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]


@pytest.fixture(name="committed")
def _committed(tmp_path):
    """Return a file in a folder of a repository with one commit, and the commit's id."""
    file = tmp_path / "shop" / "target.yaml"
    file.parent.mkdir()
    file.write_text("name: shop\n")
    for command in (["init"], ["add", "."], [*_AUTHOR, "commit", "--message", "first"]):
        _git(tmp_path, *command)
    return file, _git(tmp_path, "rev-parse", "HEAD")


def _git(folder, *arguments):
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_committed_file_has_commit(committed):
    """The repository is above the file's folder."""
    file, commit = committed

    assert head_commit(file) == commit


def test_uncommitted_file_has_none(committed):
    """A file that git ignores, or that is new, is not from the commit."""
    file, _ = committed
    other = file.with_name("other.yaml")
    other.write_text("name: other\n")

    assert head_commit(other) == ""


def test_file_outside_repository_has_none(tmp_path):
    """A folder that looks like a repository, but is not named `.git`, is none."""
    _git(tmp_path, "init", "--bare", "shop")

    assert head_commit(tmp_path / "shop" / "target.yaml") == ""
