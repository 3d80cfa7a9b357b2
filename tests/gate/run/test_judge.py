"""The tier of each criterion, on recorded observations."""

from dataclasses import replace

import pytest

from pullrecovery import observe
from pullrecovery.gate.run import judge as judging
from pullrecovery.gate.run.judge import CLUSTER, REGISTRY, STATIC, JudgedRevision, judge_running
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.probe import Probe
from pullrecovery.model.verdict import Cause, unknown
from pullrecovery.model.workflow_run import CheckedWorkflow
from pullrecovery.tasks import CRITERIA
from tests.fakes import recorded
from tests.fakes.recorded import DIGEST, GOOD, NO_TAG, OTHER_DIGEST, OUTAGE, WORKFLOW


class _World:
    """A world that answers only with what the tests put there."""

    def __init__(self):
        self.target = GOOD.target


@pytest.fixture
def shows(monkeypatch):
    """Make every observation return these fields, and fail for the named ones."""

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
    """Every criterion is in exactly one tier."""
    tiers = [*STATIC, *REGISTRY, *CLUSTER]

    assert sorted(tiers) == sorted(CRITERIA)


def test_checks_follow_from_target():
    """REG-007 needs docs; REG-008 holds a revision where target.yaml requires it."""
    revision = JudgedRevision(GOOD.target)
    without = JudgedRevision(replace(GOOD.target, docs=None, privilege_required=False))

    assert revision.checks(STATIC) == ("frontend REG-005", "frontend REG-007")
    assert revision.optional == ()
    assert without.checks(STATIC) == ("frontend REG-005",)
    assert without.optional == ("frontend REG-008",)


def test_static_tier_needs_no_registry_or_cluster(shows):
    """The static tier reads text: chart, docs and workflow."""
    world = shows(GOOD, refused=("observe_wanted", "current_identity", "observe_pull"))

    found = JudgedRevision(GOOD.target).static(world)

    assert set(found) == {"frontend REG-005", "frontend REG-007"}
    assert _wrong(found) == {}


def test_the_static_tier_holds_a_wrong_tag(shows):
    """The revision's values have the tag `dev`."""
    world = shows(recorded.rendered(f"{recorded.REPOSITORY}:dev"))

    found = JudgedRevision(GOOD.target).static(world)

    assert _wrong(found) == {"frontend REG-005": Cause.WRONG_TAG}


def test_workflow_without_push_holds(shows):
    """REG-002 covers workflow and registry, and fails without the registry here."""
    world = shows(replace(GOOD, workflow=CheckedWorkflow(WORKFLOW, error="3: no YAML")))

    found = JudgedRevision(GOOD.target).static(world)

    assert _wrong(found) == {"frontend REG-002": Cause.WORKFLOW_INVALID}


def test_registry_tier_keeps_digest(shows):
    """The digest is that of the wanted image in the registry at that time."""
    revision = JudgedRevision(GOOD.target)

    found = revision.registry(shows(GOOD))

    assert set(found) == {"frontend REG-001", "frontend REG-002"}
    assert _wrong(found) == {}
    assert revision.images == {"frontend": DIGEST}


@pytest.mark.parametrize(
    ("wanted", "cause"), [(NO_TAG, Cause.IMAGE_MISSING), (OUTAGE, Cause.REFUSED)]
)
def test_registry_tier_names_missing_image(shows, wanted, cause):
    """A missing image holds; a registry that is down makes the gate inconclusive."""
    revision = JudgedRevision(GOOD.target)

    found = revision.registry(shows(replace(GOOD, wanted=wanted)))

    assert _wrong(found)["frontend REG-002"] is cause
    assert revision.images == {"frontend": ""}


def test_unlisted_nodes_fail_registry_tier(shows):
    """Without the nodes' platforms it is unknown whether they can use the image."""
    nodes = NotObserved("the API server forbids to list nodes")

    found = JudgedRevision(GOOD.target).registry(shows(replace(GOOD, platforms=nodes)))

    assert set(found.values()) == {unknown(nodes.reason)}


def test_running_workload_is_judged_by_cluster():
    """The cluster tier judges running workloads, after the static tier judged the text."""
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
    """The image that ran is then not the tag's image, so the verdict would be of neither."""
    world = shows(replace(GOOD, wanted=now))

    assert _wrong(JudgedRevision(GOOD.target, {"frontend": DIGEST}).still_named(world)) == wrong
