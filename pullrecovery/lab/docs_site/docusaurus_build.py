"""Building a Docusaurus site: once for each content of its folder, whatever comes of it."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from pullrecovery.common.errors import LabError
from pullrecovery.common.files_below import MADE_BY_NPM, files_below
from pullrecovery.lab.docs_site import site_container as site_box
from pullrecovery.lab.docs_site.npm import installed_modules
from pullrecovery.lab.docs_site.site_container import PROGRAM, SITE, Box
from pullrecovery.lab.images.base_rootfs import Note
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.tools.content_cache import key_of, whole_folder
from pullrecovery.lab.tools.nodejs import LOCK

_LISTED = (".docusaurus", "docusaurus-plugin-content-docs")
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
# All that decides what comes of a build, beside the site itself.
_CODE = (Path(__file__), Path(site_box.__file__), PROGRAM, LOCK)


@dataclass(frozen=True)
class BuiltSite:
    """What a build came to: `words` are Docusaurus' where it failed, '' where it did not.

    `files` is the folder of the site. `pages` has an entry for each page of the docs, by its
    source relative to the site's folder: its path in the site and the sidebar it is in, or ''.
    """

    key: str
    words: str
    files: Path
    pages: dict[str, tuple[str, str]]


@dataclass(frozen=True)
class SiteBuilder:
    """Installs a site's packages and builds it in `box`, both cached by content."""

    paths: Paths
    box: Box

    @property
    def _folder(self) -> Path:
        return self.paths.cache / "docs"

    def key(self, site: Path) -> str:
        """What the outcome of a build depends on: this code, Node.js and every file."""
        parts: list[str | Path] = [*_CODE]
        for file in site_files(site):
            parts += [file.relative_to(site).as_posix(), file]
        return key_of(parts)

    def built(
        self, site: Path, note: Note = lambda _: None, origin: Path | None = None
    ) -> BuiltSite:
        """The outcome of building `site`, which is not written to; from the cache if it has it.

        `origin` is the site that this one is a variant of, whose compiled pages it may use.
        Raises UsageError for files that lead out of the site, CommandError in npm's words, and
        LabError where the build ends in another way than by an error of Docusaurus'; none is kept.
        """
        key = self.key(site)
        folder = self._folder / f"site-{key}"
        if not folder.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            # One at a time: a build uses every core, and all of them share one work folder.
            with FileLock(self._folder / "build.lock"):
                if not folder.exists():
                    with whole_folder(folder) as scratch:
                        self._build(site, origin or site, scratch, note)
        outcome = json.loads((folder / "outcome.json").read_text())
        pages = {source: (path, sidebar) for source, path, sidebar in outcome["pages"]}
        return BuiltSite(key, outcome["words"], folder / "build", pages)

    def _build(self, site: Path, origin: Path, target: Path, note: Note) -> None:
        modules = installed_modules(self.paths, site, note)
        work, results = self._folder / "work", target / "results"
        shutil.rmtree(work, ignore_errors=True)
        copy_site(site, work)
        results.mkdir()
        note("building the docs site")
        compiled = self._folder / f"site-{self.key(origin)}" / "compiled"
        build = self.box.build(
            work, modules, compiled if compiled.is_dir() else None, results, note
        )
        words = "" if build.code == 0 else _plain(build.words)
        if build.code not in (0, 1) or (build.code == 1 and "[ERROR]" not in words):
            raise LabError(f"Building the docs site ended with {build.code}: {words[-2000:]}")
        outcome = {"words": words, "pages": _pages(results) if build.code == 0 else []}
        if build.code == 0:
            (results / "build").rename(target / "build")
            if site == origin:
                self._keep_compiled(results / "node_modules" / ".cache", target / "compiled")
        shutil.rmtree(results)
        (target / "outcome.json").write_text(json.dumps(outcome))

    def _keep_compiled(self, pages: Path, target: Path) -> None:
        """Keep them for variants of this site alone, as a page may compile to what it likes.

        Those of another site go: they are large, and save a few seconds.
        """
        for other in self._folder.glob("site-*/compiled"):
            shutil.rmtree(other)
        pages.rename(target)


def site_files(site: Path) -> list[Path]:
    """The files of a site's folder, sorted, without what npm and Docusaurus made there.

    Raises UsageError for a symbolic link that leads out of it.
    """
    return files_below(site, MADE_BY_NPM | {".git"})


def copy_site(site: Path, work: Path) -> None:
    """Copy with new times: the cache of compiled pages takes an older file for a known one.

    Whoever builds is another user, and finds a place for what he mounts there.
    """
    for made in ("node_modules", ".docusaurus"):
        (work / made).mkdir(parents=True)
    for file in site_files(site):
        copy = work / file.relative_to(site)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    for copied in (work, *work.rglob("*")):
        copied.chmod(0o755 if copied.is_dir() else 0o644)


def _plain(words: str) -> str:
    """Words without places in the container, and without what a terminal takes for commands."""
    text = _ESCAPES.sub("", words)
    printed = "".join(each for each in text if each.isprintable() or each in "\n\t")
    return printed.replace(f"{SITE}/", "").strip()


def _pages(results: Path) -> list[tuple[str, str, str]]:
    """Source, path and sidebar of every page, as the docs plugin lists them."""
    try:
        found: list[dict[str, Any]] = [
            json.loads(file.read_text())
            for file in sorted(results.joinpath(*_LISTED).glob("*/site-*.json"))
        ]
        pages = [(page["source"], page["permalink"], _sidebar(page)) for page in found]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LabError(f"The list of the docs site's pages cannot be read: {error!r}") from error
    for page in pages:
        if not all(isinstance(text, str) for text in page) or not page[1].startswith("/"):
            raise LabError(f"The list of the docs site's pages has none in {page!r}.")
    return [(source.removeprefix("@site/"), path, sidebar) for source, path, sidebar in pages]


def _sidebar(page: dict[str, Any]) -> str:
    """Return the sidebar that leads to a page; an unlisted page is in its own menu alone."""
    return "" if page.get("unlisted") else page.get("sidebar") or ""
