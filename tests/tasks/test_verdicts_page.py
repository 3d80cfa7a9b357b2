"""docs/verdicts.md: what a user reads of every situation is what the code says of it."""

import pytest

from pullrecovery.model.verdict import Cause
from tests.fakes.situations import SUBJECTS
from tests.tasks.verdicts_page import PAGE, heading, page, told

SITUATIONS = {
    f"{subject}: {name}": (subject, name, seen)
    for subject, situations in SUBJECTS.items()
    for name, seen in situations.items()
}
WRITTEN = PAGE.read_text()


@pytest.mark.parametrize(("subject", "name", "seen"), SITUATIONS.values(), ids=SITUATIONS)
def test_situation_matches_page(subject, name, seen):
    """To the letter: where it is to change, `.venv/bin/python -m tests.tasks.verdicts_page` writes the page anew."""
    of_subject = WRITTEN.partition(f"\n## {subject}\n")[2].partition("\n## ")[0]
    section = of_subject.partition(f"\n### {heading(name)}\n")[2].partition("\n### ")[0]

    assert section.strip() == f"```text\n{told(seen)}```"


def test_page_has_nothing_else():
    """A situation that is gone is gone from the page, too."""
    assert page() == WRITTEN


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_its_place(cause):
    """One that no situation leads to could not be looked up."""
    assert f" {cause}\n" in WRITTEN
