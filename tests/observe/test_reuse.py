"""Check when an earlier observation is reused, and when a new one is made."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.probe import CommandResult, Credential, Probe
from pullrecovery.model.target import Image, Workload
from pullrecovery.observe import reuse
from pullrecovery.observe.reuse import current_chart, current_identity
from pullrecovery.world.cache import Memory

REFERENCE = parse_reference("ghcr.io/bytequester/backend:1")
FOUND = Probe("registry", 200, digest="sha256:1")
LISTED = Probe("registry", 200)
OPERATOR = Credential("ByteQuester", "one")


@dataclass
class Registry:
    manifest_answer: Probe = FOUND
    tags_answer: Probe = LISTED

    def manifest(self, *_):
        return self.manifest_answer

    def tags(self, *_):
        return self.tags_answer


@dataclass
class World:
    registry: Registry = field(default_factory=Registry)
    operator: Credential | None = OPERATOR
    memory: Memory = field(default_factory=Memory)
    helm: str = "helm"
    cluster: object = "a client of the API server"
    platforms: tuple[str, ...] = ()


class Look(int):
    """An observation with a number of its own; `commands` are those of the clients."""

    commands = ()


@pytest.fixture(name="looks", autouse=True)
def _looks(monkeypatch):
    """Return the list of observations, each with its own number."""
    looks = []

    def look(_, what):
        looks.append(what)
        return Look(len(looks))

    monkeypatch.setattr(reuse, "observe_identity", look)
    monkeypatch.setattr(reuse, "observe_chart", look)
    return looks


def test_clients_run_once_per_answer():
    """Docker and crane would print the same again for an unchanged answer."""
    world = World()
    assert current_identity(world, REFERENCE) == current_identity(world, REFERENCE) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"operator": None},
        {"operator": Credential("ByteQuester", "another")},
        {"registry": Registry(manifest_answer=replace(FOUND, digest="sha256:2"))},
        {"registry": Registry(manifest_answer=Probe("token", 403))},
        {"registry": Registry(tags_answer=Probe("network", 0))},
        {"cluster": None},
        {"platforms": ("linux/arm64",)},
    ],
)
def test_changed_answer_reruns_clients(change):
    """Another operator, digest or platform, a refusal or an outage may change the observation."""
    world = World()
    current_identity(world, REFERENCE)
    assert current_identity(replace(world, **change), REFERENCE) == 2


def test_other_reference_reruns_clients():
    """Each reference has its own observation, which the other one leaves as it is."""
    world = World()
    current_identity(world, REFERENCE)
    assert current_identity(world, replace(REFERENCE, tag="2")) == 2
    assert current_identity(world, REFERENCE) == 1


def test_missing_reference_reruns_clients():
    """The verdict then names tags, which may be pushed at any time."""
    world = World(Registry(manifest_answer=Probe("registry", 404)))
    current_identity(world, REFERENCE)
    assert current_identity(world, REFERENCE) == 2


@pytest.fixture(name="workload")
def _workload(tmp_path):
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: backend\n")
    values = tmp_path / "values-dev.yaml"
    values.write_text("a: 1\n")
    image = Image("ghcr.io/bytequester/backend", "1")
    return Workload("backend", chart, (values,), "backend-dev", image, "imagePullSecrets", Path())


def test_chart_is_rendered_once(workload):
    """Helm renders the same output for the same files."""
    world = World()
    assert current_chart(world, workload) == current_chart(world, workload) == 1


def _edit_values(workload):
    workload.values[0].write_text("a: 2\n")
    return workload


def _edit_chart(workload):
    (workload.chart / "Chart.yaml").write_text("name: other\n")
    return workload


def _add_template(workload):
    (workload.chart / "templates" / "new.yaml").write_text("")
    return workload


def _move(workload):
    return replace(workload, namespace="frontend-dev")


@pytest.mark.parametrize("change", [_edit_values, _edit_chart, _add_template, _move])
def test_changed_chart_is_rendered_again(workload, change):
    """A changed or new file, or another namespace, changes the output."""
    world = World()
    current_chart(world, workload)
    assert current_chart(world, change(workload)) == 2


def test_outage_reruns_clients(monkeypatch):
    """Only the clients may show the outage's end, as the suite's own route may have worked."""
    monkeypatch.setattr(Look, "commands", (CommandResult("crane digest x", 1, "", "x: EOF"),))
    world = World()

    assert [current_identity(world, REFERENCE) for _ in range(2)] == [1, 2]
