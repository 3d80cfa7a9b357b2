"""Which commit of the suite runs, as verdicts name it."""

import re
import subprocess

from pullrecovery.common.suite_commit import ROOT, STAMP, suite_commit
from pullrecovery.lab.paths import REPOSITORY


def test_checkout_is_of_its_commit():
    """A full id, of the repository that the package is in."""
    git = ["git", "-C", str(REPOSITORY), "rev-parse", "HEAD"]

    assert REPOSITORY == ROOT
    assert re.fullmatch("[0-9a-f]{40}", suite_commit())
    assert suite_commit() == subprocess.check_output(git, text=True).strip()


def test_image_has_its_commit_in_a_file(tmp_path):
    """There is no git in it."""
    (tmp_path / STAMP).write_text(f"{'a' * 40}\n")

    assert suite_commit(tmp_path) == "a" * 40


def test_package_without_stamp_and_checkout_has_no_commit(tmp_path):
    """A repository further up, such as the one that an environment lies in, is another one."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    installed = tmp_path / "lib"
    installed.mkdir()

    assert suite_commit(installed) == ""
    assert suite_commit(tmp_path) == ""
