"""Match GitHub's filter patterns for branches, tags and paths.

The time to match is bounded by the lengths of pattern and name, so a hostile pattern cannot stall
the suite. Source: docs.github.com, "Workflow syntax for GitHub Actions", filter pattern cheat
sheet.
"""

import re
from collections.abc import Sequence

# A part and its quantifier: `?` and `+` apply to the part before them.
_PARTS = re.compile(r"(\*\*/|\*\*|\*|\[[^]]*\]|.)([?+]?)", re.DOTALL)


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether GitHub's filter includes `name`: the last pattern that matches decides."""
    taken = False
    for pattern in patterns:
        if _fits(pattern.removeprefix("!"), name):
            taken = not pattern.startswith("!")
    return taken


def _fits(pattern: str, name: str) -> bool:
    """Whether `pattern` matches the whole name; tracks every position where a match can end."""
    places = {0}
    for part, times in _PARTS.findall(pattern):
        after = _ends(part, name, places)
        if times == "?":
            after |= places
        elif times == "+":
            after = _repeated(part, name, after)
        places = after
    return len(name) in places


def _repeated(part: str, name: str, places: set[int]) -> set[int]:
    """Return the positions after one or more of a part, given those after the first."""
    new = places
    while new:
        new = _ends(part, name, new) - places
        places = places | new
    return places


def _ends(part: str, name: str, places: set[int]) -> set[int]:
    """Return the positions at which a part can end that begins at one of `places`."""
    if not places:
        return set()
    first, end = min(places), len(name)
    if part == "**":
        return set(range(first, end + 1))
    if part == "**/":
        return places | {at + 1 for at in range(first, end) if name[at] == "/"}
    if part == "*":
        found, reaching = set[int](), False
        for at in range(first, end + 1):
            reaching = at in places or (reaching and name[at - 1] != "/")
            if reaching:
                found.add(at)
        return found
    return {at + 1 for at in places if at < end and _takes(part, name[at])}


def _takes(part: str, character: str) -> bool:
    if len(part) == 1:
        return part == character
    try:
        return re.fullmatch(part, character) is not None
    except re.error:
        # For example a range whose end is before its start, which matches nothing.
        return False
