"""Which tests are left out: without a cluster, and without Argo CD."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from fixtures.plugin import options
from fixtures.plugin.selection import pytest_collection_modifyitems
from pullrecovery.lab.paths import REPOSITORY
from pullrecovery.monorepo.target_yaml import load_target

SAMPLE = load_target(REPOSITORY / "sample")


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


def _by_helm_alone(target):
    return replace(target, workloads=tuple(replace(w, application=None) for w in target.workloads))


@pytest.mark.parametrize(
    ("target", "left_out", "played"),
    [
        (SAMPLE, "", True),
        (SAMPLE, "no_argocd", False),
        (SAMPLE, "no_cluster", False),
        (_by_helm_alone(SAMPLE), "", False),
    ],
    ids=["plain", "ARGOCD=0", "no cluster", "a target without an Application"],
)
def test_argocd_scenarios_need_an_application(monkeypatch, target, left_out, played):
    """They are part of every run that does not leave them out."""
    monkeypatch.setattr(options, "target_of", lambda _: target)
    config = SimpleNamespace(getoption=lambda name: name == left_out)

    assert options.plays_argocd(config) is played
