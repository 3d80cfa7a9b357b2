"""Which tests are left out where there is no cluster."""

from types import SimpleNamespace

from fixtures.selection import pytest_collection_modifyitems


class Item:
    """A collected test, and the marks that it has."""

    def __init__(self, *marks):
        self.marks = marks

    def iter_markers(self):
        return [SimpleNamespace(name=name) for name in self.marks]


def _select(*items, no_cluster=False):
    """Return what is selected, and what was reported as left out."""
    left_out, kept = [], list(items)

    def report(items):
        left_out.extend(items)

    hook = SimpleNamespace(pytest_deselected=report)
    config = SimpleNamespace(getoption=lambda _: no_cluster, hook=hook)
    pytest_collection_modifyitems(config, kept)
    return kept, left_out


def test_without_a_cluster_only_what_needs_none_is_left():
    """And what is left out is reported, so that the result is partial."""
    outside = [Item(f"reg00{number}") for number in (1, 2, 5, 7)]
    inside = [Item(f"reg00{number}") for number in (3, 4, 6, 8)]
    world = Item()

    assert _select(*outside, *inside, world, no_cluster=True) == (outside, [*inside, world])


def test_with_a_cluster_nothing_is_left_out():
    """Whatever its marks are."""
    items = [Item("reg003"), Item()]

    assert _select(*items) == (items, [])
