"""Check the order of the tasks: what to fix first if several criteria fail."""

from itertools import permutations

import pytest

from fixtures.scenario.story import Story
from pullrecovery.report.records import StoryStep
from pullrecovery.tasks import CRITERIA
from pullrecovery.tasks.order import AFTER, before, fix_order, ordered


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        ([], []),
        (["REG-006"], ["REG-006"]),
        (["REG-004", "REG-003"], ["REG-003", "REG-004"]),
        (["REG-006", "REG-003"], ["REG-003", "REG-006"]),
        (["REG-007", "REG-001"], ["REG-001", "REG-007"]),
        (["REG-008", "REG-002", "REG-005"], ["REG-008", "REG-002", "REG-005"]),
        (["REG-006", "REG-008", "REG-005"], ["REG-008", "REG-005", "REG-006"]),
        (["REG-003", "REG-003"], ["REG-003"]),
    ],
)
def test_failing_tasks_are_ordered_and_stable(failing, expected):
    """A task comes after those before it, even if one between them does not fail."""
    assert ordered(failing) == expected


def test_failure_order_respects_after():
    """The result does not depend on the order in which criteria were judged."""
    tasks = ("REG-001", "REG-003", "REG-004", "REG-005", "REG-006", "REG-007")
    for failing in permutations(tasks):
        found = ordered(failing)
        assert sorted(found) == sorted(failing)
        for at, task in enumerate(found):
            assert not before(task) & set(found[at:])


def test_earlier_tasks_are_transitive():
    """CI-002 comes before every task that needs an image."""
    assert before("REG-005") == {"REG-001", "CI-002"}
    assert before("REG-007") >= {"REG-006", "REG-004", "REG-003", "REG-005", "REG-001", "CI-002"}
    assert before("REG-003") == before("REG-008") == frozenset()


def test_after_names_tasks_of_the_suite():
    """AFTER names only tasks of the suite, and CI's own."""
    named = {task for tasks in AFTER.values() for task in tasks} | set(AFTER)

    assert named - set(CRITERIA) == {"CI-002"}


@pytest.mark.parametrize(
    ("tasks", "early"),
    [(["REG-003", "REG-004", "REG-006"], ""), (["REG-004", "REG-003"], "REG-004")],
)
def test_story_out_of_order_fails(tasks, early):
    """The story checks the order of its printed steps."""
    steps = [StoryStep(f"{task} and what it does", (), {}) for task in ["nothing yet", *tasks]]
    story = Story([], steps)

    if not early:
        story.check_order()
        return
    with pytest.raises(AssertionError, match=f"{early} was done too early"):
        story.check_order()


def test_fix_order_is_printed():
    """Nothing is printed for fewer than two failing tasks."""
    assert fix_order(["REG-006", "REG-004", "REG-003"]) == (
        "first REG-003, then REG-004, then REG-006"
    )
    assert fix_order(["REG-003"]) == fix_order([]) == ""
