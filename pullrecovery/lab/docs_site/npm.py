"""The packages of a docs site, installed by npm on this machine: none of their code is run."""

import os
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from pullrecovery.common.process import run
from pullrecovery.common.variables import VariableSet
from pullrecovery.lab.docs_site.npm_files import npm_files
from pullrecovery.lab.images.base_rootfs import Note
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.tools.content_cache import key_of, whole_folder
from pullrecovery.lab.tools.nodejs import find_npm
from pullrecovery.lab.tools.toolchain import go_arch

_WITHIN = 1200.0
_CPUS = {"amd64": "x64", "arm64": "arm64"}
# Links to programs are made by names that the lock gives, and nobody calls them.
_OPTIONS = ("ci", "--ignore-scripts", "--no-bin-links", "--no-audit", "--no-fund")


def installed_modules(paths: Paths, site: Path, note: Note) -> Path:
    """The node_modules for Linux of the site's lock, from the cache if it has them.

    Raises UsageError for a lock with a package that is not a registry's, and CommandError in npm's
    words.
    """
    files = npm_files(site)
    folder = paths.cache / "docs" / f"modules-{key_of([go_arch(), *files.values()])}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / "npm.lock"):
        if not folder.exists():
            _install(paths, files, folder, note)
    return folder / "node_modules"


def _install(paths: Paths, files: Mapping[str, str], folder: Path, note: Note) -> None:
    note("installing the packages of the docs site with npm")
    with whole_folder(folder) as scratch:
        for name, text in files.items():
            (scratch / name).write_text(text, encoding="utf-8")
        machine = ["--os=linux", f"--cpu={_CPUS[go_arch()]}", "--libc=glibc"]
        command = [*find_npm(paths), *_OPTIONS, *machine]
        own = npm_environment(paths)
        run(command, cwd=scratch, env=own, inherit=[VariableSet.NPM], timeout=_WITHIN)
        # Docusaurus keeps compiled pages there, where the container has a folder of its own.
        (scratch / "node_modules" / ".cache").mkdir(exist_ok=True)
        # Whoever builds is another user.
        run(["chmod", "-R", "a+rX", str(scratch)])


def npm_environment(paths: Paths) -> dict[str, str]:
    """The variables of npm beside those that the user sets for it: a home and a cache of the lab's.

    The user's `.npmrc` is named, as it lies in another home.
    """
    paths.home.mkdir(parents=True, exist_ok=True)
    own = {"HOME": str(paths.home), "npm_config_cache": str(paths.cache / "npm")}
    settings = Path.home() / ".npmrc"
    named = {"npm_config_userconfig", "NPM_CONFIG_USERCONFIG"} & {*os.environ}
    if settings.is_file() and not named:
        own["npm_config_userconfig"] = str(settings)
    return own
