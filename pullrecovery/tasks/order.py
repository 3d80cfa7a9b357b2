"""The order of the tasks, and so of the fixes that failing criteria suggest."""

from collections.abc import Iterable, Mapping

# The tasks to do before a task. CI-002, where CI publishes images, is no task of this suite.
AFTER: Mapping[str, tuple[str, ...]] = {
    "REG-001": ("CI-002",),
    "REG-002": ("CI-002",),
    "REG-004": ("REG-003",),
    "REG-005": ("REG-001",),
    "REG-006": ("REG-004", "REG-005"),
    "REG-007": ("REG-006",),
}


def before(task: str) -> frozenset[str]:
    """Every task that comes before `task`, directly or indirectly."""
    direct = AFTER.get(task, ())
    return frozenset(direct).union(*(before(each) for each in direct))


def ordered(failing: Iterable[str]) -> list[str]:
    """Sort the tasks so that each follows its prerequisites; others stay in their order."""
    left, found = list(dict.fromkeys(failing)), []
    while left:
        task = next(each for each in left if not before(each) & set(left))
        left.remove(task)
        found.append(task)
    return found


def fix_order(failing: Iterable[str]) -> str:
    """The order as text for a user: `first REG-003, then REG-004`; '' if one task fails."""
    first, *others = ordered(failing) or [""]
    return f"first {first}, then {', then '.join(others)}" if others else ""
