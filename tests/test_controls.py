"""The negative controls: which remedies are replaced by what, and by which test."""

import inspect
from types import SimpleNamespace

import pytest

from fixtures.scenario import remediation as remedies
from fixtures.scenario.controls import NOTHING, Sabotage, pytest_generate_tests, sabotage_of
from fixtures.scenario.controls import test_of as task_test_of
from fixtures.scenario.matrix import plays, scenarios_of
from pullrecovery.lab.paths import REPOSITORY
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.tasks import CRITERIA

TARGET = load_target(REPOSITORY / "sample")


def _parameters(monkeypatch, name):
    """What a test that uses the fixture `name` is parametrized with."""
    found = []
    metafunc = SimpleNamespace(
        fixturenames=[name],
        config=None,
        parametrize=lambda _, rows, ids: found.extend(zip(rows, ids, strict=True)),
    )
    monkeypatch.setattr("fixtures.scenario.controls.target_of", lambda _: TARGET)
    pytest_generate_tests(metafunc)
    return found


def test_every_remedy_is_replaced_by_nothing_and_by_another(monkeypatch):
    """One that is never taken away was never seen to be needed."""
    rows = [sabotage for (_, sabotage), _ in _parameters(monkeypatch, "sabotage")]
    known = {name for name in vars(remedies) if f"return remedy({name}" in _source()}

    assert {row.remedy for row in rows if row.instead == NOTHING} == known
    others = {row.remedy: row.instead for row in rows if row.instead != NOTHING}
    assert others.keys() == known
    assert all(instead in known - {name} for name, instead in others.items())


def test_no_control_needs_what_is_raised_on_demand(monkeypatch):
    """A run that did not ask for Argo CD would build it for one."""
    scenarios = [scenario for (scenario, _), _ in _parameters(monkeypatch, "sabotage")]

    assert {each.deploy for each in scenarios} == {"helm"}


def _source():
    return inspect.getsource(remedies)


def test_every_workload_has_a_healthy_row_in_every_wiring(monkeypatch):
    """A finding there would be one about nothing."""
    ids = [name for _, name in _parameters(monkeypatch, "seat")]

    assert ids == [
        "healthy-frontend-values",
        "healthy-frontend-sample-values",
        "healthy-frontend-sample-service-account",
        "healthy-backend-values",
        "healthy-backend-service-account",
    ]


@pytest.mark.parametrize("reg", CRITERIA)
def test_every_row_is_played_by_one_test_of_its_task(reg):
    """One that no test plays would be missing from every run, and nobody would see it fail."""
    for row in scenarios_of(reg, TARGET):
        marks = [each for each in task_test_of(row).pytestmark if each.name == "scenarios"]
        assert [plays(mark, row) for mark in marks] == [True]


def test_test_without_a_sabotage_plays_none():
    """Nor does one without parameters."""
    sabotage = Sabotage("wire", NOTHING)
    spoilt = SimpleNamespace(callspec=SimpleNamespace(params={"sabotage": sabotage}))
    plain = SimpleNamespace(callspec=SimpleNamespace(params={"scenario": None}))

    assert sabotage_of(spoilt) is sabotage
    assert sabotage_of(plain) is None
    assert sabotage_of(SimpleNamespace()) is None
