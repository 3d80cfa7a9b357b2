"""Lists of tags as GHCR gives them: in the order of their pushes, a hundred at a time.

Source: README.md, Sources: tags.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

_DEFAULT_SIZE: Final = 100
_COUNT: Final = re.compile(r"\d{1,9}", re.ASCII)


class PageError(ValueError):
    """The number of results asked for is no number."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a list, and the `Link` header's value where there are more."""

    items: list[str]
    link: str | None


def in_push_order(stored: Collection[str], pushed: Sequence[str]) -> list[str]:
    """Return the stored tags, oldest push first.

    Tags that nobody saw pushed, as they were there before a restart, come first, lexically.
    """
    unseen = sorted(set(stored) - set(pushed))
    return unseen + [tag for tag in pushed if tag in stored]


def page(items: Sequence[str], path: str, n: str | None, last: str | None) -> Page:
    """Return the page after `last` of at most `n` items, both as the query has them.

    No `n`, or 0, means 100. An unknown `last` gives an empty page. The link is relative, and
    repeats `n` as it was asked for: 0 where it was not. Raises PageError for a bad `n`.
    """
    if n and not _COUNT.fullmatch(n):
        raise PageError(n)
    asked = int(n or 0)
    size = asked or _DEFAULT_SIZE
    rest = _after(list(items), last)
    chosen = rest[:size]
    if len(rest) == len(chosen):
        return Page(chosen, None)
    query = urlencode({"last": chosen[-1], "n": asked})
    return Page(chosen, f'<{path}?{query}>; rel="next"')


def _after(items: list[str], last: str | None) -> list[str]:
    if not last:
        return items
    return items[items.index(last) + 1 :] if last in items else []
