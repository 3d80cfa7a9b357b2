"""The target `make audit`: it reads every lock, goes on after a finding, and needs reasons."""

import os
import subprocess

import pytest

from pullrecovery.common.suite_files import SUITE_ROOT

AUDIT = SUITE_ROOT / "tests" / "audit"
# A replacement of all three programs that records arguments, and fails for one of the locks.
PROGRAM = """\
#!/bin/sh
echo "$(basename "$0") $*" >>"$ASKED"
case "$*" in *"$BAD"*) exit "$CODE" ;; esac
"""


@pytest.fixture(name="audited")
def _audited(tmp_path):
    """Run the script with programs that exit with `code` where an argument contains `bad`."""
    for name in ("pip-audit", "npm", "govulncheck"):
        (tmp_path / name).write_text(PROGRAM)
        (tmp_path / name).chmod(0o755)

    def run(bad, code=1):
        asked = tmp_path / "asked"
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ASKED": str(asked)}
        environment |= {"BAD": bad, "CODE": str(code)}
        command = [AUDIT / "audit", tmp_path / "pip-audit", tmp_path / "govulncheck"]
        ended = subprocess.run(
            command, env=environment, check=False, capture_output=True, text=True
        )
        return ended.returncode, ended.stdout, asked.read_text().splitlines()

    return run


def _locked(pattern):
    found = SUITE_ROOT.rglob(pattern)
    hidden = (".venv", ".venv-audit", ".venv-mutation", "node_modules", "mutants")
    names = (file.relative_to(SUITE_ROOT) for file in found)
    return sorted(name.as_posix() for name in names if not set(name.parts) & set(hidden))


def test_every_lock_is_audited(audited):
    """A lock that is added later is found by its name."""
    code, _, asked = audited("no such text")

    assert code == 0
    python = [line.split()[-1] for line in asked if line.startswith("pip-audit ")]
    go = [f"{line.split()[2]}/go.mod" for line in asked if line.startswith("govulncheck ")]
    assert sorted(python) == _locked("*.lock")
    assert sorted(go) == _locked("go.mod")
    assert [line for line in asked if line.startswith("npm ")] == [
        f"npm --prefix {folder} audit --package-lock-only --audit-level=high"
        for folder in ("docs-site", "sample/docs")
    ]


def test_unaudited_package_is_a_finding(audited):
    """pip-audit ignores packages that its database lacks, unless it is strict."""
    _, _, asked = audited("no such text")

    python = [line for line in asked if line.startswith("pip-audit ")]
    assert python
    assert all(" --strict --disable-pip --require-hashes" in line for line in python)


@pytest.mark.parametrize(
    "bad", ["ghcr_emulator/requirements.lock", "sample/docs", "toolchain/helm"]
)
def test_audit_goes_on_after_a_finding(audited, bad):
    """The audit fails at its end, and names the lock."""
    _, _, all_asked = audited("no such text")
    code, printed, asked = audited(bad)

    assert code == 1
    last = printed.splitlines()[-1]
    assert last.startswith("== to be fixed, or argued in SECURITY.md: ")
    assert bad in last
    assert asked[len(all_asked) :] == all_asked


def test_vulnerability_in_a_lab_tool_is_listed(audited):
    """The program exits with 3; the finding is listed, and the audit passes."""
    code, printed, _ = audited("toolchain/helm", code=3)

    assert code == 0
    last = printed.splitlines()[-1]
    assert last.startswith("== known vulnerabilities in the lab's tools, argued in SECURITY.md: ")
    assert last.endswith(" pullrecovery/lab/tools/toolchain/helm/go.mod")


def test_tool_modules_are_audited(audited):
    """A module that only names programs has no package of its own to audit."""
    _, _, asked = audited("no such text")

    assert "govulncheck -C pullrecovery/lab/tools/toolchain/helm tool" in asked
    assert "govulncheck -C pullrecovery/lab/tools/toolchain/pause ." in asked


def test_every_exception_is_argued():
    """An id alone does not say why its finding does not matter here."""
    lines = (AUDIT / "exceptions").read_text().splitlines()
    ids = [line for line in lines if line and not line.startswith("#")]
    policy = (SUITE_ROOT / "SECURITY.md").read_text()

    assert [each for each in ids if each not in policy] == []
