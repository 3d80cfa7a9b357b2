"""docs/glossary.md: sorted, one sentence a term, and every term in use."""

import re

import pytest

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.model.verdict import Cause

PAGE = SUITE_ROOT / "docs" / "glossary.md"
PACKAGES = ("pullrecovery", "ghcr_emulator", "fixtures", "acceptance")


def _entries():
    rows = re.findall(r"(?m)^\| (.+?) \| (.+) \|$", PAGE.read_text())
    return [row for row in rows if row != ("term", "meaning")]


TERMS = [term for term, _ in _entries()]


@pytest.fixture(scope="module", name="texts")
def _texts():
    """Every page but the glossary and every module, in lower case, with line breaks as spaces."""
    files = [SUITE_ROOT / "README.md", *(SUITE_ROOT / "docs").rglob("*.md")]
    files += [file for package in PACKAGES for file in (SUITE_ROOT / package).rglob("*.py")]
    pages = (file.read_text() for file in files if file != PAGE)
    return " ".join(" ".join(pages).lower().split())


def test_glossary_is_sorted_without_duplicates():
    """The order is that of the alphabet, whatever the case."""
    assert len(TERMS) > 30
    assert [term.lower() for term in TERMS] == sorted({term.lower() for term in TERMS})


@pytest.mark.parametrize("term", TERMS)
def test_term_is_used_in_docs_or_code(term, texts):
    """A term that nothing uses defines nothing."""
    assert re.search(rf"\b{re.escape(term.lower())}(?:s|es)?\b", texts)


@pytest.mark.parametrize(("term", "meaning"), _entries(), ids=TERMS)
def test_meaning_is_one_sentence(term, meaning):
    """It begins with a capital letter or code, and has one full stop, which ends it."""
    assert re.fullmatch(r"[A-Z`].*[^.]\.", meaning)
    assert not re.search(r"\.\s", meaning)


def test_glossary_cause_is_a_real_one():
    """The example of a cause is a member of `Cause`."""
    meaning = dict(_entries())["cause"]

    assert {*re.findall(r"`([a-z.-]+)`", meaning)} & {*Cause}
