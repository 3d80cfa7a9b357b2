"""The texts of every cause are those of tests/golden/verdicts.txt, which a reviewer reads."""

import pytest

from pullrecovery.model.verdict import Cause
from tests.tasks.verdicts_page import GOLDEN, golden, texts

TEXTS = texts()


@pytest.mark.parametrize("cause", Cause)
def test_text_of_cause_is_as_reviewed(cause):
    """`.venv/bin/python -m tests.tasks.verdicts_page` writes the file after a change."""
    assert f"{TEXTS[cause]}\n" in GOLDEN.read_text()


def test_golden_file_has_nothing_else():
    """A cause that no longer exists has no text; the order is that of `Cause`."""
    assert golden() == GOLDEN.read_text()


def test_golden_file_is_small():
    """A reviewer reads it as a whole: at most five lines for each cause."""
    assert len(GOLDEN.read_text().splitlines()) <= 5 * len(Cause)
