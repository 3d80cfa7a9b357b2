"""The order of the tasks, and so of the fixes that failing criteria suggest."""

from collections.abc import Iterable, Mapping

# What must be done before a task. CI-002 has CI publish images, and is no task of this suite.
AFTER: Mapping[str, tuple[str, ...]] = {
    "REG-001": ("CI-002",),
    "REG-002": ("CI-002",),
    "REG-004": ("REG-003",),
    "REG-005": ("REG-001",),
    "REG-006": ("REG-004", "REG-005"),
    "REG-007": ("REG-006",),
}


def before(task: str) -> frozenset[str]:
    """Every task that comes before this one, directly or by way of another."""
    direct = AFTER.get(task, ())
    return frozenset(direct).union(*(before(each) for each in direct))


def ordered(failing: Iterable[str]) -> list[str]:
    """The tasks in an order in which they can be done; those that are free keep their places."""
    left, found = list(dict.fromkeys(failing)), []
    while left:
        task = next(each for each in left if not before(each) & set(left))
        left.remove(task)
        found.append(task)
    return found


def fix_order(failing: Iterable[str]) -> str:
    """The order as a person is told it: `first REG-003, then REG-004`; '' where one task fails."""
    first, *others = ordered(failing) or [""]
    return f"first {first}, then {', then '.join(others)}" if others else ""
