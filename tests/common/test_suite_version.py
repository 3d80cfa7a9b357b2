"""The version and the commit of the suite, as verdicts name them."""

import re
import subprocess

import pytest

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.common.suite_version import STAMP, stamp, suite_commit, suite_version


@pytest.fixture
def git(tmp_path):
    """Return a function that runs git in a new repository with one commit."""

    def run(*arguments):
        who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.check_output(command, text=True).strip()

    run("init", "--quiet")
    run("commit", "--quiet", "--allow-empty", "--message=one")
    return run


def test_checkout_is_of_its_commit():
    """The commit is the full id in the repository that has the package."""
    git = ["git", "-C", str(SUITE_ROOT), "rev-parse", "HEAD"]

    assert re.fullmatch("[0-9a-f]{40}", suite_commit())
    assert suite_commit() == subprocess.check_output(git, text=True).strip()


def test_tagged_commit_has_the_version_of_its_tag(git, tmp_path):
    """Tags that are not `v…` are no versions."""
    git("tag", "v1.2.0")
    git("tag", "nightly")

    assert suite_version(tmp_path) == "1.2.0"


def test_later_commit_has_a_local_version(git, tmp_path):
    """The version has the number of commits since the tag, and the commit's id."""
    git("tag", "v1.2.0")
    git("commit", "--quiet", "--allow-empty", "--message=two")

    assert suite_version(tmp_path) == f"1.2.0+1.g{git('rev-parse', '--short=9', 'HEAD')}"


def test_untagged_commit_has_its_id_as_version(git, tmp_path):
    """A commit without a tag has no release number."""
    assert suite_version(tmp_path) == f"0.0.0+g{git('rev-parse', '--short=9', 'HEAD')}"


def test_stamped_copy_needs_no_git(tmp_path):
    """A wheel and an image have a file with version and commit."""
    (tmp_path / STAMP).write_text(f"1.2.0\n{'a' * 40}\n")

    assert suite_commit(tmp_path) == "a" * 40
    assert suite_version(tmp_path) == "1.2.0"
    assert stamp(tmp_path) == f"1.2.0\n{'a' * 40}\n"


def test_copy_without_stamp_has_no_commit(tmp_path):
    """A repository above the package, such as that of a virtual environment, is not used."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    installed = tmp_path / "lib"
    installed.mkdir()

    assert (suite_commit(installed), suite_version(installed)) == ("", "0.0.0")
    assert (suite_commit(tmp_path), suite_version(tmp_path)) == ("", "0.0.0")
