"""The `fuzz` command runs each file of property tests for a time, and reports what it found."""

import random
import shlex
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from pullrecovery.common.errors import Exit, PullRecoveryError
from pullrecovery.common.process import child
from pullrecovery.common.suite_files import SUITE_ROOT

_TESTS = SUITE_ROOT / "tests" / "properties"
_SEEDS = 2**31
# pytest's exit codes: passed, some failed, and no test selected.
_PASSED, _FAILED, _NONE = 0, 1, 5


@dataclass
class FuzzedFile:
    """One file of property tests: its examples, and the command that replays each finding."""

    file: Path
    examples: int = 0
    findings: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.file.stem}: {self.examples} examples, {len(self.findings)} findings"


def run_fuzz(seconds: int, arguments: Sequence[str]) -> int:
    """Run every file for `seconds` in rounds with new seeds; exit code 1 with a finding.

    `arguments` are further ones for pytest. A test with a finding is left out of later rounds.
    """
    files = [FuzzedFile(file) for file in sorted(_TESTS.glob("test_*.py"))]
    with TemporaryDirectory(prefix="pull-recovery-fuzz-") as folder:
        for fuzzed in files:
            _fuzz(fuzzed, seconds, Path(folder), arguments)
    files = [fuzzed for fuzzed in files if fuzzed.examples]
    if not files:
        raise PullRecoveryError(f"{shlex.join(arguments)} selects no property test.")
    print(*files, sep="\n")
    replays = [command for fuzzed in files for command in fuzzed.findings.values()]
    print(*(f"replay: {command}" for command in replays), sep="\n", end="\n" if replays else "")
    return int(Exit.FAIL if replays else Exit.PASS)


def _fuzz(fuzzed: FuzzedFile, seconds: int, folder: Path, arguments: Sequence[str]) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and _round(fuzzed, folder, arguments):
        print(fuzzed, flush=True)


def _round(fuzzed: FuzzedFile, folder: Path, arguments: Sequence[str]) -> bool:
    """Run the tests of a file once with a new seed; False if none is left to run."""
    seed = random.randrange(_SEEDS)  # noqa: S311
    name, report = fuzzed.file.relative_to(SUITE_ROOT).as_posix(), folder / "report.xml"
    profile = ["--hypothesis-profile", "fuzz", "--hypothesis-seed", str(seed)]
    output = ["-q", "-n", "0", "--assert", "plain", "--tb", "short", "--no-header"]
    place = [f"--basetemp={folder / 'tests'}", f"--junitxml={report}"]
    left_out = [f"--deselect={name}::{test}" for test in fuzzed.findings]
    command = [name, *profile, *output, *arguments, *left_out]
    code, text = _pytest([*command, *place])
    if code == _NONE:
        return False
    if code not in (_PASSED, _FAILED):
        raise PullRecoveryError(f"pytest ended with {code}:\n{text}")
    for case in ET.parse(report).iter("testcase"):  # noqa: S314
        test = case.get("name", "")
        counted = case.findall("properties/property[@name='examples']")
        fuzzed.examples += sum(int(each.get("value", "0")) for each in counted)
        if case.find("failure") is not None or case.find("error") is not None:
            chosen = [f"{name}::{test.partition('[')[0]}", *profile]
            fuzzed.findings[test] = f"{sys.executable} -m pytest {shlex.join(chosen)}"
    if code == _FAILED:
        print(text, flush=True)
    return True


def _pytest(arguments: Sequence[str]) -> tuple[int, str]:
    argv = [sys.executable, "-B", "-m", "pytest", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with child(argv, cwd=SUITE_ROOT, popen=pipes) as process:
        text, _ = process.communicate()
    return process.returncode, text
