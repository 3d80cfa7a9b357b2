"""Check hostile targets that end before a lab is needed: one error without secrets."""

import re
import shutil
import subprocess

import pytest

from fixtures.lab.canaries import contents, plant
from pullrecovery.__main__ import main
from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.model.workflow_file import UnreadableWorkflowError
from pullrecovery.registry.keyring import UnreadableSecretError
from tests.hostile.rows import ROWS

_CLEAR = (PullRecoveryError, UnreadableSecretError, UnreadableWorkflowError)
_GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
_LEFT_OUT = shutil.ignore_patterns("node_modules", "build", ".docusaurus")


@pytest.fixture(name="canaries")
def _canaries(tmp_path, monkeypatch):
    """Planted values on a machine without a lab, whose engine does not answer."""
    canaries = plant(tmp_path / "home")
    for name, value in canaries.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    return canaries


@pytest.fixture(name="target")
def _target(tmp_path):
    """Return a copy of the sample to make hostile."""
    return shutil.copytree(SUITE_ROOT / "sample", tmp_path / "sample", ignore=_LEFT_OUT)


def _commit(target):
    """Commit all files, in the repository of the row or in a new one."""
    subprocess.run([*_GIT, "init", "-q"], cwd=target, check=True)
    subprocess.run([*_GIT, "add", "."], cwd=target, check=True)
    subprocess.run([*_GIT, "commit", "-qm", "hostile"], cwd=target, check=True)


@pytest.mark.parametrize("row", [row for row in ROWS if not row.read], ids=lambda row: row.name)
def test_gate_on_hostile_target_is_one_error(row, target, canaries, tmp_path, capfd):
    """The error names the file, the exit code is the documented one, and there is no verdict."""
    row.change(target)
    _commit(target)

    code = main(["gate", "--target", str(target), "--out", str(tmp_path / "out")])

    printed = capfd.readouterr()
    assert code == row.code, printed.err
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1, printed.err
    assert re.search(row.error, printed.err), printed.err
    assert not (tmp_path / "out").exists()
    outputs = {"stdout": printed.out.encode(), "stderr": printed.err.encode()}
    assert canaries.found_in(outputs | contents([tmp_path / "state"])) == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.read], ids=lambda row: row.name)
def test_hostile_file_is_clear_error(row, target, canaries):
    """The message says where and why, and contains no planted value."""
    row.change(target)

    with pytest.raises(_CLEAR, match=row.error) as raised:
        row.read(target)

    assert canaries.found_in({"error": str(raised.value).encode()}) == []
