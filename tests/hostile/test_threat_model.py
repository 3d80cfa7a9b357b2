"""Check that the tables of hostile targets cover every actor and input of the threat model."""

import re

import pytest

from fixtures.lab.hostile_rows import LAB_ROWS, LEFT_ALONE, Actor, Reaches, Reader
from pullrecovery.common.suite_files import SUITE_ROOT
from tests.hostile import rows, shown_rows, verdict_rows

ALL = (*rows.ROWS, *verdict_rows.ROWS, *LAB_ROWS, *LEFT_ALONE, *shown_rows.ROWS)


@pytest.mark.parametrize("actor", Actor)
def test_every_actor_has_three_rows(actor):
    """Every actor has three rows or more."""
    assert len([row for row in ALL if row.actor is actor]) >= 3


@pytest.mark.parametrize("reader", Reader)
def test_every_reader_has_three_rows(reader):
    """Every input that is read from a target is hostile in three rows or more."""
    assert len([row for row in ALL if row.reader is reader]) >= 3


def test_every_row_has_a_name_of_its_own():
    """A row's name is the id of its test."""
    names = [row.name for row in ALL]

    assert len(names) == len(set(names))


def test_ten_rows_reach_code_in_the_lab():
    """Pods, workflow steps and Docusaurus have three rows or more each."""
    places = (Reaches.DOCS, Reaches.STEP, Reaches.POD)
    reached = [[row for row in LAB_ROWS if row.reaches is place] for place in places]

    assert sum(map(len, reached)) >= 10
    assert min(map(len, reached)) >= 3


@pytest.mark.parametrize("row", shown_rows.ROWS, ids=lambda row: row.name)
def test_row_shown_elsewhere_has_its_test(row):
    """A row names an existing test, so that removing the test is noticed."""
    file, _, name = row.test.partition("::")

    assert re.search(rf"(?m)^def {name}\(", (SUITE_ROOT / file).read_text())
