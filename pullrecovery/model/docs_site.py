"""The observed state of a docs site, as frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Section:
    """A heading of a page (`level` 2 or 3) and the text below it, as a browser shows them."""

    level: int
    anchor: str
    title: str
    text: str


@dataclass(frozen=True)
class WebPage:
    """A page as a browser shows it.

    `menu` has the paths in its sidebar; `rows` are the rows of its tables.
    """

    title: str
    text: str
    sections: tuple[Section, ...] = ()
    menu: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    code: tuple[str, ...] = ()


@dataclass(frozen=True)
class DocsBuild:
    """A built docs site; `words` is the output of a failed build, '' if it succeeded.

    `path` is the path of the page in the site, '' if the site does not have the page. `referring`
    maps the path of each referring page to where its link to the page led, '' if it has no link.
    `errors` are the errors that the browser reported.
    """

    words: str = ""
    path: str = ""
    sidebar: str = ""
    page: WebPage | None = None
    referring: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    screenshot: Path | None = None

    @property
    def shown(self) -> str:
        """All observations as lines: the output of a failed build, or what the browser shows."""
        if self.page is None:
            return self.words or "the site has no such page"
        leads = [f"{path} leads to it" for path, to in self.referring.items() if to == self.path]
        lines = [
            *(f"error: {error}" for error in self.errors),
            f"sidebar: {self.sidebar or 'nothing'}",
            *(leads or ["no page leads to it"]),
            f"sections: {', '.join(section.title for section in self.page.sections)}",
        ]
        return "\n".join((*lines, self.page.text))


@dataclass(frozen=True)
class DocsPage:
    """The Markdown source of the REG-007 page (`source`, None if missing), and its built site."""

    source: str | None
    site: DocsBuild
