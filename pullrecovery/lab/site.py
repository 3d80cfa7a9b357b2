"""Building a Docusaurus site: once for each content of its folder, whatever comes of it."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from pullrecovery.errors import LabError
from pullrecovery.lab.content import key_of, whole_folder
from pullrecovery.lab.nodejs import Node
from pullrecovery.lab.paths import Paths
from pullrecovery.process import child, run
from pullrecovery.variables import VariableSet

Note = Callable[[str], None]

# What npm and Docusaurus make in a folder somebody works in.
_MADE = frozenset({"node_modules", "build", ".docusaurus", ".git"})
_LISTED = (".docusaurus", "docusaurus-plugin-content-docs")
_BUILD_WITHIN = 300.0
_INSTALL_WITHIN = 1200.0


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
    """Installs a site's packages and builds it, both cached by content."""

    paths: Paths
    node: Node

    @property
    def _folder(self) -> Path:
        return self.paths.cache / "docs"

    def key(self, site: Path) -> str:
        """What the outcome of a build depends on: this code, Node.js and every file."""
        parts: list[str | Path] = [Path(__file__), str(self.node.major)]
        for file in site_files(site):
            parts += [file.relative_to(site).as_posix(), file]
        return key_of(parts)

    def built(self, site: Path, note: Note = lambda _: None) -> BuiltSite:
        """The outcome of building `site`, which is not written to; from the cache if it has it.

        Raises CommandError in npm's words, and LabError where the build ends in another way than
        by an error of Docusaurus'; neither is kept.
        """
        key = self.key(site)
        folder = self._folder / f"site-{key}"
        if not folder.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            # One at a time: a build uses every core, and all of them share one set of packages.
            with FileLock(self._folder / "build.lock"):
                if not folder.exists():
                    with whole_folder(folder) as scratch:
                        self._build(site, scratch, note)
        outcome = json.loads((folder / "outcome.json").read_text())
        pages = {source: (path, sidebar) for source, path, sidebar in outcome["pages"]}
        return BuiltSite(key, outcome["words"], folder / "build", pages)

    def _build(self, site: Path, target: Path, note: Note) -> None:
        modules = self._modules(site, note)
        # Always the same folder, as the packages' cache of compiled pages knows them by path.
        work = self._folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        _copy(site, work)
        (work / "node_modules").symlink_to(modules)
        note("building the docs site")
        code, said = _docusaurus(self.node, work, self.paths.home)
        words = "" if code == 0 else _plain(said, work, modules)
        if code not in (0, 1) or (code == 1 and "[ERROR]" not in said):
            raise LabError(f"Building the docs site ended with {code}: {words[-2000:]}")
        if code == 0:
            shutil.copytree(work / "build", target / "build")
        outcome = {"words": words, "pages": _pages(work) if code == 0 else []}
        (target / "outcome.json").write_text(json.dumps(outcome))

    def _modules(self, site: Path, note: Note) -> Path:
        """The node_modules of the site's lock; its packages' scripts are not run."""
        named = [site / "package.json", site / "package-lock.json"]
        machine = f"{platform.system()}-{platform.machine()}-{self.node.major}"
        folder = self._folder / f"modules-{key_of([machine, *named])}"
        if not folder.exists():
            note("installing the packages of the docs site with npm")
            with whole_folder(folder) as scratch:
                for file in named:
                    shutil.copyfile(file, scratch / file.name)
                options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
                run(
                    [*self.node.npm, *options],
                    cwd=scratch,
                    env={"npm_config_cache": str(self.paths.cache / "npm")},
                    inherit=[VariableSet.NPM],
                    timeout=_INSTALL_WITHIN,
                )
        return folder / "node_modules"


def site_files(site: Path) -> list[Path]:
    """The files of a site's folder, sorted, without what npm and Docusaurus made there."""
    return sorted(
        file
        for file in site.rglob("*")
        if file.is_file() and not _MADE.intersection(file.relative_to(site).parts)
    )


def _copy(site: Path, work: Path) -> None:
    """Copy with new times: the cache of compiled pages takes an older file for a known one."""
    for file in site_files(site):
        copy = work / file.relative_to(site)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def _docusaurus(node: Node, work: Path, home: Path) -> tuple[int, str]:
    """Build the site in `work`: the exit code, and everything printed."""
    home.mkdir(parents=True, exist_ok=True)
    command = [str(node.binary), "node_modules/@docusaurus/core/bin/docusaurus.mjs", "build"]
    # It would look for a newer version of itself, and write down below HOME that it did.
    quiet = {"NO_UPDATE_NOTIFIER": "1", "CI": "true", "NO_COLOR": "1", "HOME": str(home)}
    path = {"PATH": os.pathsep.join([str(node.binary.parent), os.environ.get("PATH", "")])}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with child(command, env={**quiet, **path}, cwd=work, popen=pipes) as build:
        try:
            said, _ = build.communicate(timeout=_BUILD_WITHIN)
        except subprocess.TimeoutExpired as error:
            raise LabError(f"The docs site was not built within {_BUILD_WITHIN:g} s.") from error
    return build.returncode, said


def _plain(said: str, work: Path, modules: Path) -> str:
    """Words without places of this machine."""
    return said.replace(f"{work}/", "").replace(f"{modules.parent}/", "").strip()


def _pages(work: Path) -> list[tuple[str, str, str]]:
    """Source, path and sidebar of every page, as the docs plugin lists them."""
    found: list[dict[str, Any]] = [
        json.loads(file.read_text())
        for file in sorted(work.joinpath(*_LISTED).glob("*/site-*.json"))
    ]
    return [
        (page["source"].removeprefix("@site/"), page["permalink"], _sidebar(page)) for page in found
    ]


def _sidebar(page: dict[str, Any]) -> str:
    """Return the sidebar that leads to a page; an unlisted page is in its own menu alone."""
    return "" if page.get("unlisted") else page.get("sidebar") or ""
