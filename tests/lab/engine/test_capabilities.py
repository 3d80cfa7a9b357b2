"""Missing capabilities of a machine, from the kernel's files about a process."""

from pathlib import Path

import pytest

from pullrecovery.lab.engine.capabilities import Capabilities, parse_capabilities, read_capabilities
from pullrecovery.lab.engine.dockerd import runtime_options

LAST = 40
STATUS = """\
Name:\tpython
Umask:\t0022
State:\tR (running)
CapInh:\t0000000000000000
CapPrm:\t{0}
CapEff:\t{0}
CapBnd:\t{0}
CapAmb:\t0000000000000000
NoNewPrivs:\t0
"""
ALL = STATUS.format("000001ffffffffff")
# A sandbox without CAP_SYS_RESOURCE, which is number 24.
WITHOUT_SYS_RESOURCE = STATUS.format("000001fffeffffff")


@pytest.mark.parametrize(
    ("status", "complete"),
    [(ALL, True), (WITHOUT_SYS_RESOURCE, False)],
    ids=["all", "without CAP_SYS_RESOURCE"],
)
def test_every_capability_is_needed(status, complete):
    """One missing capability makes a privileged container fail."""
    assert parse_capabilities(status, LAST).complete is complete


def test_newer_capability_is_missing():
    """The number of the last capability counts, and not the mask alone."""
    assert not parse_capabilities(ALL, LAST + 1).complete


def test_both_files_of_the_kernel_are_read(tmp_path):
    """One file is the process's, and the other the kernel's."""
    (tmp_path / "self").mkdir()
    (tmp_path / "sys" / "kernel").mkdir(parents=True)
    (tmp_path / "self" / "status").write_text(WITHOUT_SYS_RESOURCE)
    (tmp_path / "sys" / "kernel" / "cap_last_cap").write_text("40\n")

    assert read_capabilities(tmp_path) == Capabilities(bounding=0x1FFFEFFFFFF, last=40)


@pytest.mark.parametrize(
    ("status", "options"),
    [
        (ALL, []),
        (
            WITHOUT_SYS_RESOURCE,
            ["--add-runtime=dropcaps=/tools/dropcaps", "--default-runtime=dropcaps"],
        ),
    ],
    ids=["all", "without CAP_SYS_RESOURCE"],
)
def test_runtime_is_used_only_when_needed(status, options):
    """The runtime is not built on other machines."""
    built = []

    def build():
        built.append("dropcaps")
        return Path("/tools/dropcaps")

    assert runtime_options(parse_capabilities(status, LAST), build) == options
    assert bool(built) is bool(options)
