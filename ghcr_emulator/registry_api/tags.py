"""Lists of tags as GHCR returns them: in the order of their pushes, 100 a page.

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
    """The requested number of results is not a number."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and the `Link` header's value where there is more of it."""

    items: list[str]
    link: str | None


def in_push_order(stored: Collection[str], pushed: Sequence[str]) -> list[str]:
    """Return the stored tags, oldest push first.

    Tags whose push the emulator did not see, such as those from before a restart, come first, in
    lexical order.
    """
    unseen = sorted(set(stored) - set(pushed))
    return unseen + [tag for tag in pushed if tag in stored]


def page(items: Sequence[str], path: str, n: str | None, last: str | None) -> Page:
    """Return the page after `last` of at most `n` items, both as in the query.

    No `n`, or 0, means 100. An unknown `last` gives an empty page. The link is relative, and
    repeats `n` of the query: 0 where the query has none. Raises PageError for an invalid `n`.
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
