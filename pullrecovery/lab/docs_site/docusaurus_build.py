"""Build a Docusaurus site once for each content of its directory, and cache the outcome."""

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
# The code that decides the outcome of a build, besides the site itself.
_CODE = (Path(__file__), Path(site_box.__file__), PROGRAM, LOCK)


@dataclass(frozen=True)
class BuiltSite:
    """The outcome of a build: `words` is Docusaurus' error output if it failed, or ''.

    `files` is the directory of the built site. `pages` has an entry for each page of the docs, by
    its source relative to the site's directory: its path in the site and its sidebar, or ''.
    """

    key: str
    words: str
    files: Path
    pages: dict[str, tuple[str, str]]


@dataclass(frozen=True)
class SiteBuilder:
    """Install a site's packages and build it in `box`, both cached by content."""

    paths: Paths
    box: Box

    @property
    def _folder(self) -> Path:
        return self.paths.cache / "docs"

    def key(self, site: Path) -> str:
        """Return the key of a build's inputs: this code, Node.js and every file of the site."""
        parts: list[str | Path] = [*_CODE]
        for file in site_files(site):
            parts += [file.relative_to(site).as_posix(), file]
        return key_of(parts)

    def built(
        self, site: Path, note: Note = lambda _: None, origin: Path | None = None
    ) -> BuiltSite:
        """Return the outcome of building `site`, which is not changed; cached if known.

        `origin` is the site that this one is a variant of, whose compiled pages may be used. Raises
        UsageError for files outside of the site, CommandError with npm's output, and LabError if
        the build ends without an error of Docusaurus; then nothing is cached.
        """
        key = self.key(site)
        folder = self._folder / f"site-{key}"
        if not folder.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            # One build at a time: each uses every core, and all share one work directory.
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
        """Store the compiled pages, only for variants of this site.

        Another site's page may compile to anything. Those of another site are deleted: they are
        large and save only a few seconds.
        """
        for other in self._folder.glob("site-*/compiled"):
            shutil.rmtree(other)
        pages.rename(target)


def site_files(site: Path) -> list[Path]:
    """Return the files of a site's directory, sorted, without the output of npm and Docusaurus.

    Raises UsageError for a symbolic link that leaves the directory.
    """
    return files_below(site, MADE_BY_NPM | {".git"})


def copy_site(site: Path, work: Path) -> None:
    """Copy the site with new times, because the cache of compiled pages ignores older files.

    The build runs as another user, so the copy is readable for all and has the mount points.
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
    """Return printable text without the container's paths and terminal escape sequences."""
    text = _ESCAPES.sub("", words)
    printed = "".join(each for each in text if each.isprintable() or each in "\n\t")
    return printed.replace(f"{SITE}/", "").strip()


def _pages(results: Path) -> list[tuple[str, str, str]]:
    """Return source, path and sidebar of every page, from the docs plugin's own list."""
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
    """Return the sidebar that leads to a page.

    '' for an unlisted page, which only its own menu shows.
    """
    return "" if page.get("unlisted") else page.get("sidebar") or ""
