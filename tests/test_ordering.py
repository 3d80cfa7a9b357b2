"""The order in which tests begin."""

from pathlib import Path
from types import SimpleNamespace

from fixtures.plugin.ordering import pytest_collection_modifyitems


class Item:
    """A test with marks and parameters."""

    def __init__(self, name, *marks, file="test_external.py", **params):
        self.name = name
        self.path = Path(file)
        self._marks = [SimpleNamespace(name=mark) for mark in marks]
        self.callspec = SimpleNamespace(params=params)

    def iter_markers(self):
        return iter(self._marks)

    def get_closest_marker(self, name):
        return next((mark for mark in self._marks if mark.name == name), None)


def _ordered(*items):
    listed = list(items)
    pytest_collection_modifyitems(listed)
    return "".join(item.name for item in listed)


def test_tests_for_which_others_wait_come_last():
    """In their own order otherwise: those that are alone for a part first, so that parts overlap."""
    items = [Item("b", "alone"), Item("a", "smoke"), Item("d", "partly_alone"), Item("c")]

    assert _ordered(*items, Item("e", "all_names"), Item("f")) == "acfedb"


def test_rows_of_the_literal_names_come_first():
    """They run one after the other, and so take longest of all."""
    literal, own = SimpleNamespace(literal="pin"), SimpleNamespace(literal="")

    items = [Item("a", scenario=own), Item("b", scenario=literal), Item("c", naming="digest")]

    assert _ordered(*items, Item("d")) == "bcad"


def test_tests_that_wait_are_spread_among_those_that_work():
    """So that they never keep all workers from work at a time, nor the run from its end."""
    waiting = [Item(name, "waits") for name in "XY"]

    assert _ordered(*waiting, *map(Item, "abcdef")) == "aXbcYdef"


def test_tests_that_wait_for_as_long_are_spread_too():
    """Those of one file are no more at the beginning than those of another."""
    long = [Item(name, "waits", file="test_external.py") for name in "XY"]
    short = [Item(name, "waits", file="test_sabotage.py") for name in "xy"]

    assert _ordered(*long, *short, *map(Item, "abcd")) == "aXxbYycd"
