"""What the conformance suite found, read from its junit.xml, and two such findings compared."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as Xml

from pullrecovery.errors import PullRecoveryError

# The suite's name, which every test's name begins with.
_ROOT: Final = "OCI Conformance Test/"
_STATUSES: Final = ("passed", "failure", "skipped")


class ResultsError(PullRecoveryError):
    """The suite left no results, or some that nothing can be told from."""


@dataclass(frozen=True)
class Tally:
    """How the tests of one name went. The suite uses a name again for each blob it tries."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def run(self) -> int:
        """Those that were not skipped."""
        return self.passed + self.failed


@dataclass(frozen=True)
class Results:
    """Tallies by name; a name is the path in the suite, without the suite's own name."""

    tallies: Mapping[str, Tally]

    @property
    def total(self) -> Tally:
        """All tests together."""
        each = self.tallies.values()
        return Tally(
            sum(tally.passed for tally in each),
            sum(tally.failed for tally in each),
            sum(tally.skipped for tally in each),
        )

    @property
    def failing(self) -> list[str]:
        """The names with a test that failed, sorted."""
        return sorted(name for name, tally in self.tallies.items() if tally.failed)

    @property
    def skipped(self) -> list[str]:
        """The names with a test that was not run, sorted."""
        return sorted(name for name, tally in self.tallies.items() if tally.skipped)

    def tally(self, name: str) -> Tally:
        """Return how the tests of a name went; a name that is not there has none."""
        return self.tallies.get(name, Tally())


def read_results(junit: Path) -> Results:
    """Read the suite's junit.xml.

    Raises ResultsError where it is missing, is no such file, or says that the suite itself erred.
    """
    counts: dict[str, Counter[str]] = {}
    for name, status in _cases(junit):
        if status not in _STATUSES:
            raise ResultsError(f"{junit}: the suite could not run {name}: {status or 'no status'}")
        counts.setdefault(name, Counter())[status] += 1
    if not counts:
        raise ResultsError(f"{junit} has no test in it.")
    return Results(
        {
            name: Tally(count["passed"], count["failure"], count["skipped"])
            for name, count in counts.items()
        }
    )


def lost(bare: Results, front: Results, differing: Collection[str] = ()) -> list[str]:
    """Name the tests that pass on bare distribution and not through the front, sorted.

    A test that the front makes the suite skip, or that is not there, is lost too. `differing` are
    the names where GHCR itself is known to differ.
    """
    return sorted(
        name
        for name, tally in bare.tallies.items()
        if name not in differing and not _as_good(front.tally(name), tally)
    )


def _as_good(found: Tally, wanted: Tally) -> bool:
    return found.passed >= wanted.passed and found.failed <= wanted.failed


def _cases(junit: Path) -> Iterator[tuple[str, str]]:
    try:
        tree = Xml.parse(junit)  # noqa: S314  # written a moment ago, by a program that we started
    except OSError as error:
        raise ResultsError(f"{junit} cannot be read: {error.strerror}.") from error
    except Xml.ParseError as error:
        raise ResultsError(f"{junit} is no XML: {error}.") from error
    for case in tree.iter("testcase"):
        yield case.get("name", "").removeprefix(_ROOT), case.get("status", "")
