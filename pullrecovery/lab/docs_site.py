"""The target's docs site as the lab sees it: built, and looked at in a browser; each once."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from pullrecovery.docs_seen import Section, SiteSeen, WebPage
from pullrecovery.lab.browser import Browser
from pullrecovery.lab.content import key_of, whole_folder
from pullrecovery.lab.nodejs import find_node
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.site import BuiltSite, Note, SiteBuilder
from pullrecovery.model import Docs

_PROGRAMS = tuple(Path(__file__).with_name(name) for name in ("browser_look.py", "browser_files"))


@contextmanager
def building_beside(paths: Paths, docs: Docs | None, note: Note) -> Iterator[None]:
    """Have the site built meanwhile, which needs no engine.

    What goes wrong is raised where the site is looked at, as it is then built again.
    """
    with ThreadPoolExecutor(1) as beside:
        if docs is not None:
            beside.submit(lambda: SiteBuilder(paths, find_node(paths)).built(docs.folder, note))
        yield


@dataclass(frozen=True)
class LabDocsSite:
    """Builds docs and looks at them; what has been seen of the same files is not done again."""

    paths: Paths
    browser: Browser

    def look(self, docs: Docs, note: Note = lambda _: None) -> SiteSeen:
        """What the build comes to, and what a browser shows of the page and its referrers."""
        built = SiteBuilder(self.paths, find_node(self.paths)).built(docs.folder, note)
        page = built.pages.get(_source(docs, docs.page))
        if built.words or page is None:
            return SiteSeen(words=built.words)
        path, sidebar = page
        listed = (built.pages.get(_source(docs, file)) for file in docs.referring)
        referring = tuple(entry[0] for entry in listed if entry)
        folder = self._looked_at(built, path, referring, note)
        seen: dict[str, Any] = json.loads((folder / "seen.json").read_text())
        return SiteSeen(
            words="",
            path=path,
            sidebar=sidebar,
            page=_web_page(seen["page"]),
            referring=dict(zip(referring, seen["followed"], strict=True)),
            errors=tuple(seen["errors"]),
            screenshot=folder / "page.png",
        )

    def _looked_at(
        self, built: BuiltSite, path: str, referring: tuple[str, ...], note: Note
    ) -> Path:
        """The folder with what the browser saw, and its screenshot."""
        key = key_of([built.key, path, *referring, self.browser.image.tag, *_PROGRAMS])
        folder = self.paths.cache / "docs" / f"seen-{key}"
        if not folder.exists():
            with FileLock(self.paths.cache / "docs" / "look.lock"):
                if not folder.exists():
                    self.browser.prepare(note)
                    note("looking at the docs site in a browser")
                    with whole_folder(folder) as scratch:
                        shown = self.browser.look(
                            built.files, path, referring, scratch / "page.png"
                        )
                        (scratch / "seen.json").write_text(json.dumps(shown))
        return folder


def _source(docs: Docs, file: Path) -> str:
    return file.relative_to(docs.folder).as_posix()


def _web_page(seen: dict[str, Any]) -> WebPage:
    return WebPage(
        title=seen["title"],
        text=seen["text"],
        sections=tuple(Section(*section) for section in seen["sections"]),
        menu=tuple(seen["menu"]),
        rows=tuple(tuple(row) for row in seen["rows"]),
        code=tuple(seen["code"]),
    )
