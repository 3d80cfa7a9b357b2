"""Hints for errors of the machine, recognised by the messages of programs."""

import pytest

from pullrecovery.__main__ import main
from pullrecovery.cli.error_hints import fix_for_error
from pullrecovery.common.errors import Exit
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.tools.disk_space import need_space


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("write /x/kubelet: no space left on device", "The disk is full: free some space"),
        ("OSError: [Errno 28] No space left on device: '/x'", "The disk is full: free some space"),
        (
            'go: k8s.io/api@v0: Get "https://proxy.example": dial tcp: lookup: no such host',
            "A package registry cannot be reached: look at the network",
        ),
        (
            "E: Failed to fetch … Temporary failure resolving 'deb.example'",
            "A package registry cannot be reached: look at the network",
        ),
    ],
    ids=["go, disk", "python, disk", "go, network", "apt, network"],
)
def test_known_error_has_fix(said, fix):
    """A known error has its hint, whichever program printed it."""
    assert fix_for_error(said).startswith(fix)


def test_unknown_error_has_no_fix():
    """An unknown error has no hint."""
    assert fix_for_error("pod_workers.go:12: undefined: x") == ""


def test_fix_is_printed_below_error(monkeypatch, capsys):
    """The hint is on a line of its own, once."""

    def full(*_, **__):
        raise OSError(28, "No space left on device", "/cache/tools")

    monkeypatch.setattr("pullrecovery.cli.run_lab.run", full)

    assert main(["lab", "up"]) == Exit.UNKNOWN
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("error: OSError: [Errno 28] No space left on device")
    assert [line[:16] for line in lines[1:]] == ["The disk is full"]


def test_low_disk_space_is_reported_first(monkeypatch, tmp_path, capsys):
    """The error has the free space and the required space."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 2**30}))
    monkeypatch.setattr(
        "pullrecovery.cli.run_lab.run",
        lambda *_, **__: need_space(Paths(tmp_path / "cache", tmp_path / "state")),
    )

    assert main(["lab", "up"]) == Exit.UNKNOWN
    assert capsys.readouterr().err.startswith(f"error: Only 1.0 GiB are free in {tmp_path}, and")
