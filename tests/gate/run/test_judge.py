"""Which tier judges what, on observations as they were really made."""

from dataclasses import replace

import pytest

from pullrecovery import observe
from pullrecovery.gate.run import judge as judging
from pullrecovery.gate.run.judge import CLUSTER, REGISTRY, STATIC, JudgedRevision, judge_running
from pullrecovery.model.probe import Probe
from pullrecovery.model.verdict import Cause
from pullrecovery.model.workflow_run import CheckedWorkflow
from pullrecovery.tasks import CRITERIA
from tests.fakes import recorded
from tests.fakes.recorded import DIGEST, GOOD, NO_TAG, OTHER_DIGEST, OUTAGE, WORKFLOW


class _World:
    """A world in which nothing may be asked but what the tests put there."""

    def __init__(self):
        self.target = GOOD.target


@pytest.fixture
def shows(monkeypatch):
    """Have every look see what this observation has, and refuse the looks that are named."""

    def show(seen, *, refused=()):
        looks = {
            "current_chart": lambda _, __: seen.chart,
            "observe_workflow": lambda _: seen.workflow,
            "observe_docs": lambda _: seen.docs,
            "observe_wanted": lambda _, __: seen.wanted,
            "current_identity": lambda _, __: seen.identity,
            "observe_pull": lambda _, __: seen,
        }
        for name, look in looks.items():
            asking = judging if hasattr(judging, name) else observe
            monkeypatch.setattr(asking, name, _refuse(name) if name in refused else look)
        monkeypatch.setattr(judging, "replace", _replaced)
        return _World()

    return show


def _refuse(name):
    def look(*_):
        raise AssertionError(f"{name} was asked")

    return look


def _replaced(thing, **changes):
    return thing if isinstance(thing, _World) else replace(thing, **changes)


def _wrong(verdicts):
    return {name: verdict.cause for name, verdict in verdicts.items() if not verdict.passes}


def test_each_criterion_belongs_to_one_tier():
    """Nothing is judged twice, and nothing is left out."""
    tiers = [*STATIC, *REGISTRY, *CLUSTER]

    assert sorted(tiers) == sorted(CRITERIA)


def test_checks_follow_from_target():
    """REG-007 where it has docs; REG-008 holds where it is required."""
    revision = JudgedRevision(GOOD.target)
    without = JudgedRevision(replace(GOOD.target, docs=None, privilege_required=False))

    assert revision.checks(STATIC) == ("frontend REG-005", "frontend REG-007")
    assert revision.optional == ()
    assert without.checks(STATIC) == ("frontend REG-005",)
    assert without.optional == ("frontend REG-008",)


def test_static_tier_needs_no_registry_or_cluster(shows):
    """It is text: chart, docs and workflow."""
    world = shows(GOOD, refused=("observe_wanted", "current_identity", "observe_pull"))

    found = JudgedRevision(GOOD.target).static(world)

    assert set(found) == {"frontend REG-005", "frontend REG-007"}
    assert _wrong(found) == {}


def test_the_static_tier_holds_a_wrong_tag(shows):
    """As of the revision whose values say `dev`."""
    world = shows(recorded.rendered(f"{recorded.REPOSITORY}:dev"))

    found = JudgedRevision(GOOD.target).static(world)

    assert _wrong(found) == {"frontend REG-005": Cause.WRONG_TAG}


def test_workflow_without_push_holds(shows):
    """REG-002 is about it as much as about the registry, which need not be asked then."""
    world = shows(replace(GOOD, workflow=CheckedWorkflow(WORKFLOW, error="3: no YAML")))

    found = JudgedRevision(GOOD.target).static(world)

    assert _wrong(found) == {"frontend REG-002": Cause.WORKFLOW_INVALID}


def test_registry_tier_keeps_digest(shows):
    """Of the wanted image, as the registry has it then."""
    revision = JudgedRevision(GOOD.target)

    found = revision.registry(shows(GOOD))

    assert set(found) == {"frontend REG-001", "frontend REG-002"}
    assert _wrong(found) == {}
    assert revision.images == {"frontend": DIGEST}


@pytest.mark.parametrize(
    ("wanted", "cause"), [(NO_TAG, Cause.IMAGE_MISSING), (OUTAGE, Cause.REFUSED)]
)
def test_registry_tier_names_missing_image(shows, wanted, cause):
    """One that is not there is held; of a registry that is down nothing can be told."""
    revision = JudgedRevision(GOOD.target)

    found = revision.registry(shows(replace(GOOD, wanted=wanted)))

    assert _wrong(found)["frontend REG-002"] is cause
    assert revision.images == {"frontend": ""}


def test_running_workload_is_judged_by_cluster():
    """The text was judged before."""
    found = judge_running(recorded.unwired())

    assert set(found) == {f"frontend {reg}" for reg in CLUSTER}
    assert _wrong(found) == {"frontend REG-004": Cause.NOT_WIRED}


@pytest.mark.parametrize(
    ("now", "wrong"),
    [
        (recorded.ACCEPTED, {}),
        (Probe("registry", 200, digest=OTHER_DIGEST), {"frontend REG-006": Cause.TAG_MOVED}),
        (NO_TAG, {"frontend REG-006": Cause.TAG_MOVED}),
    ],
    ids=["same", "another", "deleted"],
)
def test_moved_tag_holds_while_judging(shows, now, wrong):
    """What ran is then not what the tag names; the verdict would be of neither."""
    world = shows(replace(GOOD, wanted=now))

    assert _wrong(JudgedRevision(GOOD.target, {"frontend": DIGEST}).still_named(world)) == wrong
