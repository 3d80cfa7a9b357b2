"""The fixtures of the gate's tests."""

import subprocess

import pytest

from pullrecovery.common.suite_files import SUITE_ROOT


@pytest.fixture(name="sample")
def _sample(tmp_path, monkeypatch):
    """Return the directory of the sample in a repository of its own, and its one commit."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@b.c")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    folder = tmp_path / "repository" / "sample"
    files = subprocess.run(["git", "ls-files", "-z", "sample"], cwd=SUITE_ROOT, capture_output=True, check=True)  # fmt: skip
    for name in files.stdout.decode().split("\0")[:-1]:
        copy = folder.parent / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((SUITE_ROOT / name).read_bytes())
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "sample"]):
        subprocess.run(["git", *command], cwd=folder.parent, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, check=True)
    return folder, head.stdout.decode().strip()
