"""Build the target's docs site in the lab and read it in a browser, each once per content."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import DockerException
from filelock import FileLock

from pullrecovery.lab.docs_site.chromium import Browser
from pullrecovery.lab.docs_site.docusaurus_build import BuiltSite, SiteBuilder
from pullrecovery.lab.docs_site.npm import installed_modules
from pullrecovery.lab.docs_site.site_container import SiteBox, stop_builds
from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.images.base_rootfs import BaseImage, Note
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.tools.content_cache import key_of, whole_folder
from pullrecovery.model.docs_site import DocsBuild, Section, WebPage
from pullrecovery.model.target import Docs

_PROGRAMS = tuple(
    Path(__file__).with_name(name) for name in ("chromium_script.py", "browser_files")
)


@dataclass
class Beside:
    """A docs build in the background; it raises no error itself.

    A failed build has no cached outcome, so the next reader builds again and gets the error.
    """

    paths: Paths
    docs: Docs | None
    note: Note
    _lane: ThreadPoolExecutor
    _engine: Engine | None = None

    def install(self) -> None:
        """Start installing the packages, which needs no engine."""
        if self.docs is not None:
            self._lane.submit(installed_modules, self.paths, self.docs.folder, self.note)

    def build(self, engine: Engine, image: BaseImage) -> None:
        """Start building the site, once the engine has the base image."""
        if self.docs is None or self._engine is not None:
            return
        self._engine, folder = engine, self.docs.folder
        builder = SiteBuilder(self.paths, SiteBox(engine, image))
        self._lane.submit(builder.built, folder, self.note)

    def end(self) -> None:
        """Stop the running build and start nothing more."""
        self._lane.shutdown(wait=False, cancel_futures=True)
        if self._engine is not None:
            with suppress(DockerException, OSError):
                stop_builds(self._engine)


@contextmanager
def building_beside(paths: Paths, docs: Docs | None, note: Note) -> Iterator[Beside]:
    """Install the site's packages during the block, and build the site once `build` is called."""
    with ThreadPoolExecutor(1) as lane:
        beside = Beside(paths, docs, note, lane)
        beside.install()
        try:
            yield beside
        except BaseException:
            beside.end()
            raise


@dataclass(frozen=True)
class LabDocsSite:
    """Build docs and read them in a browser; results for unchanged files are cached.

    `origin` is the directory of the target's own site, of which the others are variants.
    """

    paths: Paths
    browser: Browser
    origin: Path | None = None

    def look(self, docs: Docs, note: Note = lambda _: None) -> DocsBuild:
        """Return the outcome of the build, with the page and its referrers as displayed."""
        box = SiteBox(self.browser.engine, BaseImage(self.paths, self.browser.pulled))
        built = SiteBuilder(self.paths, box).built(docs.folder, note, self.origin)
        page = built.pages.get(_source(docs, docs.page))
        if built.words or page is None:
            return DocsBuild(words=built.words)
        path, sidebar = page
        listed = (built.pages.get(_source(docs, file)) for file in docs.referring)
        referring = tuple(entry[0] for entry in listed if entry)
        folder = self._looked_at(built, path, referring, note)
        seen: dict[str, Any] = json.loads((folder / "seen.json").read_text())
        return DocsBuild(
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
        """Return the directory with the browser's result and its screenshot."""
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
