"""What was seen of a docs site, as frozen data."""

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
    """A page as a browser shows it: `menu` the paths in its sidebar, `rows` of its tables."""

    title: str
    text: str
    sections: tuple[Section, ...] = ()
    menu: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    code: tuple[str, ...] = ()


@dataclass(frozen=True)
class DocsBuild:
    """The docs site: `words` are those of a build that failed, '' where it did not.

    `path` is the page's in the site, '' where the site has none of it. `referring` says for the
    path of each referring page where its link to the page led, '' where it has none. `errors` are
    what the browser complained of.
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
        """All of it in lines: the build's words, or else what a browser shows and says."""
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
    """The page of REG-007 as it is written (`source`, None where it is missing), and its site."""

    source: str | None
    site: DocsBuild
