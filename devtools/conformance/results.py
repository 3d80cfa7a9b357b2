"""Read the conformance suite's results from its junit.xml, and compare two of them."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from pullrecovery.common.errors import PullRecoveryError

# The suite's name, which every test's name begins with.
_ROOT: Final = "OCI Conformance Test/"
_STATUSES: Final = ("passed", "failure", "skipped")


class ResultsError(PullRecoveryError):
    """The suite left no results, or unusable ones."""


@dataclass(frozen=True)
class ConformanceCase:
    """One test: its path in the suite, without the suite's own name, and its status.

    `status` is passed, failure or skipped; `said` is what the suite reports, one problem a line.
    """

    name: str
    status: str
    said: str = ""


@dataclass(frozen=True)
class Difference:
    """A known difference of GHCR itself from what the suite requires.

    It explains a failed test whose name ends with `ending`, if `complaint` matches every problem
    that the suite reports. `reason` describes GHCR's behaviour and its source.
    """

    ending: str
    complaint: re.Pattern[str]
    reason: str

    def explains(self, case: ConformanceCase) -> bool:
        lines = case.said.splitlines()
        return (
            case.name.endswith(self.ending)
            and bool(lines)
            and all(self.complaint.fullmatch(line) for line in lines)
        )


@dataclass(frozen=True)
class Tally:
    """Counts of the tests of one name; the suite uses a name again for each blob it tries.

    `differing` failed by a known difference; `failed` does not count them.
    """

    passed: int = 0
    failed: int = 0
    differing: int = 0
    skipped: int = 0

    @property
    def run(self) -> int:
        """Return the number of tests that were not skipped."""
        return self.passed + self.failed + self.differing

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.passed + other.passed,
            self.failed + other.failed,
            self.differing + other.differing,
            self.skipped + other.skipped,
        )


@dataclass(frozen=True)
class Results:
    """Tallies by test name."""

    tallies: Mapping[str, Tally]

    @property
    def total(self) -> Tally:
        """Return the tally of all tests."""
        return sum(self.tallies.values(), Tally())

    @property
    def failing(self) -> list[str]:
        """Return the names with a failed test, sorted."""
        return sorted(name for name, tally in self.tallies.items() if tally.failed)

    @property
    def differing(self) -> list[str]:
        """Return the names with a test that failed by a known difference, sorted."""
        return sorted(name for name, tally in self.tallies.items() if tally.differing)

    def tally(self, name: str) -> Tally:
        """Return the tally of a name, which is empty for an unknown name."""
        return self.tallies.get(name, Tally())


def read_cases(junit: Path) -> list[ConformanceCase]:
    """Read the suite's junit.xml.

    Raises ResultsError if it is missing or invalid, or reports an error of the suite itself.
    """
    try:
        tree = ET.parse(junit)  # noqa: S314  # written a moment ago, by a program that we started
    except OSError as error:
        raise ResultsError(f"{junit} cannot be read: {error.strerror}.") from error
    except ET.ParseError as error:
        raise ResultsError(f"{junit} is no XML: {error}.") from error
    cases = [_case(element) for element in tree.iter("testcase")]
    if not cases:
        raise ResultsError(f"{junit} has no test in it.")
    for case in cases:
        if case.status not in _STATUSES:
            raise ResultsError(f"{junit}: the suite could not run {case.name}: {case.said}")
    return cases


def tally(cases: Iterable[ConformanceCase], differences: Collection[Difference] = ()) -> Results:
    """Count the cases by name."""
    counts: dict[str, Tally] = {}
    for case in cases:
        counts[case.name] = counts.get(case.name, Tally()) + _one(case, differences)
    return Results(counts)


def lost(bare: Results, emulator: Results) -> list[str]:
    """Return the tests that pass on bare distribution and not through the emulator, sorted.

    A test that is skipped or missing through the emulator is lost too; one that fails by a known
    difference is not.
    """
    return sorted(
        name for name, found in bare.tallies.items() if not _as_good(emulator.tally(name), found)
    )


def _as_good(found: Tally, wanted: Tally) -> bool:
    return found.passed + found.differing >= wanted.passed and found.failed <= wanted.failed


def _one(case: ConformanceCase, differences: Collection[Difference]) -> Tally:
    if case.status == "passed":
        return Tally(passed=1)
    if case.status == "skipped":
        return Tally(skipped=1)
    if any(difference.explains(case) for difference in differences):
        return Tally(differing=1)
    return Tally(failed=1)


def _case(element: ET.Element) -> ConformanceCase:
    name = element.get("name", "").removeprefix(_ROOT)
    return ConformanceCase(name, element.get("status", ""), element.findtext("system-out", ""))
