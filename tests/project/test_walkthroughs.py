"""The Python of the walk-throughs in docs/ runs on the code of now."""

import inspect
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.faults import reg_003_pull_secret, symptoms
from pullrecovery.faults.symptoms import await_symptom
from pullrecovery.model.verdict import Cause, fails, passes
from tests.fakes.recorded import GOOD


def _blocks(page):
    text = (SUITE_ROOT / "docs" / page).read_text()
    return re.findall(r"(?ms)^```python\n(.*?)^```", text)


def _run(code, names=()):
    """Return what the names of a block of code stand for once it has run."""
    values = dict(names)
    exec(code, values)  # noqa: S102
    return values


@pytest.fixture(scope="module", name="criterion")
def _criterion():
    """Return the blocks of add-a-criterion.md: criterion, faults, acceptance test."""
    return _blocks("add-a-criterion.md")


def test_fault_example_makes_a_row():
    """The page's function and row run with the names of the file that the page adds them to."""
    function, row, _ = _blocks("add-a-fault.md")
    names = _run(function, vars(reg_003_pull_secret))
    fault = _run(f"row = {row}", names)["row"]

    assert fault.break_it is names["_key_subdomain"]
    assert "REG-003" in fault.must_fail


def test_symptom_example_is_awaited(monkeypatch):
    """The page's symptom, in the file that the page names, shows when a look finds it."""
    *_, code = _blocks("add-a-fault.md")
    pods = [(GOOD.pods[0],), (replace(GOOD.pods[0], containers=()),)]
    names = _run(code, {**vars(symptoms), "pods_of": lambda _: pods.pop(0)})
    monkeypatch.setattr(symptoms, "LOOK_EVERY", 0.0)

    shown = await_symptom(
        names["UnscheduledSymptom"](), SimpleNamespace(recorder=None), deployed=True
    )

    assert (shown.reason, shown.message) == ("Unscheduled", GOOD.pods[0].name)


def test_criterion_example_judges(criterion):
    """An image of another registry fails it, and a healthy workload does not."""
    judge = _run(criterion[0])["reg_009"]
    moved = replace(GOOD, chart=replace(GOOD.chart, images=("docker.io/library/web:1",)))

    assert judge(GOOD) == passes()
    assert judge(moved) == fails(Cause.WRONG_REGISTRY)


def test_criterion_example_has_three_faults(criterion):
    """A complete run ends with an error if a criterion has fewer."""
    faults = _run(criterion[1])["FAULTS"]

    assert len({fault.id for fault in faults}) == 3
    assert all("REG-009" in fault.must_fail for fault in faults)


def test_criterion_example_asks_for_real_fixtures(criterion):
    """Each argument of its acceptance test is a fixture."""
    test = _run(criterion[2])["test_image_of_another_registry_recovers"]
    texts = [file.read_text() for file in (SUITE_ROOT / "fixtures").rglob("*.py")]
    defined = re.findall(r"@pytest\.fixture[^\n]*\n(?:[^\n]*\n)?def (\w+)\(", "\n".join(texts))

    assert {*inspect.signature(test).parameters} <= {*defined}
