"""The cache of observations, and the observations that each have one entry in it."""

from dataclasses import dataclass, field, replace

import pytest

from pullrecovery.model.probe import Credential, Probe
from pullrecovery.model.workflow_run import Rehearsal
from pullrecovery.observe.registry import observe_wanted
from pullrecovery.observe.workflow import observe_workflow
from pullrecovery.world.cache import Memory
from tests.fakes.recorded import GOOD

DIGEST = "sha256:1"
READER = Credential("suite", "token")


@pytest.fixture(name="memory")
def _memory():
    return Memory()


def test_equal_inputs_are_observed_once(memory):
    """Going back to earlier inputs observes nothing either."""
    looks = [memory.reuse("chart", inputs, object) for inputs in ("a", "b", "a", "b")]

    assert looks[0] is looks[2]
    assert looks[1] is looks[3]
    assert looks[0] is not looks[1]


def test_subjects_are_apart(memory):
    """The inputs of two subjects may be equal."""
    assert memory.reuse("chart", "a", lambda: 1) != memory.reuse("workflow", "a", lambda: 2)


def test_unknown_inputs_are_observed_again(memory):
    """Without inputs, the subject may have changed."""
    assert memory.reuse("chart", None, object) is not memory.reuse("chart", None, object)


def test_refused_observation_is_not_kept(memory):
    """The next call observes again, and keeps what it may keep."""
    answers = iter([(), ("linux/amd64",), ("linux/arm64",)])

    found = [memory.reuse("platforms", "a", lambda: next(answers), keep=bool) for _ in range(3)]

    assert found == [(), ("linux/amd64",), ("linux/amd64",)]


@dataclass(frozen=True)
class World:
    """A world that counts what is asked; `events` is what `replace` changes for a scenario."""

    target: object = GOOD.target
    reader: Credential = READER
    events: str = ""
    asked: list = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)

    @property
    def registry(self):
        return self

    @property
    def actionlint(self):
        return self

    @property
    def workflows(self):
        return self

    def manifest(self, *_):
        return Probe("registry", 200, digest=DIGEST)

    def platforms(self, package, digest, _):
        self.asked.append(digest)
        return ("linux/amd64",)

    def check(self, _):
        return ()

    def rehearse(self, *_):
        self.asked.append("rehearsal")
        return Rehearsal("", ())


def test_platforms_of_a_digest_are_asked_once():
    """Scenarios share the cache of the world that theirs are made of."""
    world = World()
    image = GOOD.workload.image

    wanted = [observe_wanted(replace(world, events=name), image) for name in ("one", "two")]

    assert [probe.platforms for probe in wanted] == [("linux/amd64",)] * 2
    assert world.asked == [DIGEST]


def test_workflow_is_rehearsed_once(tmp_path):
    """A change of its text, and not of its place, is rehearsed again."""
    file = tmp_path / "ci.yml"
    file.write_text("on: push\njobs: {}\n")
    target = GOOD.target
    world = World(replace(target, workflow=replace(target.workflow, file=file)))

    first, again = (observe_workflow(replace(world, events=name)) for name in ("one", "two"))
    file.write_text("on: workflow_dispatch\njobs: {}\n")
    changed = observe_workflow(world)

    assert again is first
    assert changed is not first
    assert world.asked == ["rehearsal"] * 2
