"""Install the packages of a docs site with npm on this machine, without running their code."""

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
# No links to programs: the lock chooses their names, and nothing calls them.
_OPTIONS = ("ci", "--ignore-scripts", "--no-bin-links", "--no-audit", "--no-fund")


def installed_modules(paths: Paths, site: Path, note: Note) -> Path:
    """Return the node_modules for Linux of the site's lock; cached by content.

    Raises UsageError for a lock with a package from outside of a registry, and CommandError with
    npm's output.
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
        # Docusaurus stores compiled pages there, and the container mounts its own directory over
        # it.
        (scratch / "node_modules" / ".cache").mkdir(exist_ok=True)
        # The build runs as another user.
        run(["chmod", "-R", "a+rX", str(scratch)])


def npm_environment(paths: Paths) -> dict[str, str]:
    """Return npm's variables besides the user's own: a home and a cache in the lab's directories.

    The user's `.npmrc` is named explicitly, because HOME is another directory.
    """
    paths.home.mkdir(parents=True, exist_ok=True)
    own = {"HOME": str(paths.home), "npm_config_cache": str(paths.cache / "npm")}
    settings = Path.home() / ".npmrc"
    named = {"npm_config_userconfig", "NPM_CONFIG_USERCONFIG"} & {*os.environ}
    if settings.is_file() and not named:
        own["npm_config_userconfig"] = str(settings)
    return own
