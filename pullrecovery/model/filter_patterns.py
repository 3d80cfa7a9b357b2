"""GitHub's filter patterns for branches, tags and paths, matched in time that their length bounds.

Source: docs.github.com, "Workflow syntax for GitHub Actions", filter pattern cheat sheet.
"""

import re
from collections.abc import Sequence

# A part, and how often: `?` and `+` are of the part before them.
_PARTS = re.compile(r"(\*\*/|\*\*|\*|\[[^]]*\]|.)([?+]?)", re.DOTALL)


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether GitHub's filter takes `name`: the last pattern that fits it decides."""
    taken = False
    for pattern in patterns:
        if _fits(pattern.removeprefix("!"), name):
            taken = not pattern.startswith("!")
    return taken


def _fits(pattern: str, name: str) -> bool:
    """Whether the whole name fits; kept are all places that the parts so far may end at."""
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
    """Return the places after one or more of a part, those after the first given."""
    new = places
    while new:
        new = _ends(part, name, new) - places
        places = places | new
    return places


def _ends(part: str, name: str, places: set[int]) -> set[int]:
    """Return where a part may end that begins at one of `places`."""
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
        # Such as a range that ends before it begins, which takes nothing.
        return False
