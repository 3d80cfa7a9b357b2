"""Check that docs/verdicts.md has exactly what the code prints for every situation."""

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
    """Each section equals the code's text.

    `.venv/bin/python -m tests.tasks.verdicts_page` rewrites the page after a change.
    """
    of_subject = WRITTEN.partition(f"\n## {subject}\n")[2].partition("\n## ")[0]
    section = of_subject.partition(f"\n### {heading(name)}\n")[2].partition("\n### ")[0]

    assert section.strip() == f"```text\n{told(seen)}```"


def test_page_has_nothing_else():
    """The page has no section of a situation that no longer exists."""
    assert page() == WRITTEN


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_its_place(cause):
    """Every cause has a situation, so that a reader can look it up."""
    assert f" {cause}\n" in WRITTEN
