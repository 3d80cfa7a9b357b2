"""The files of a folder that others wrote: none of them is read through a link that leaves it."""

import os
from collections.abc import Iterator
from pathlib import Path

from pullrecovery.common.errors import UsageError

# What npm and Docusaurus make in the folder of a site that somebody works on.
MADE_BY_NPM = frozenset({"node_modules", "build", ".docusaurus"})


def files_below(root: Path, left_out: frozenset[str] = frozenset()) -> list[Path]:
    """The regular files below `root`, sorted, but for what has a name of `left_out` on its path.

    A symbolic link to a file within `root` counts as a file; one to a directory is not entered.
    Raises UsageError for a symbolic link that leads out of `root`, wherever it leads.
    """
    top = root.resolve()
    found = []
    for path in _entries(root, left_out):
        if path.is_symlink():
            _check_link(path, root, top)
        if path.is_file():
            found.append(path)
    return sorted(found)


def _entries(root: Path, left_out: frozenset[str]) -> Iterator[Path]:
    """Everything below `root` that is no directory, and links to directories."""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in left_out]
        here = Path(folder)
        yield from (here / name for name in folders if (here / name).is_symlink())
        yield from (here / name for name in files if name not in left_out)


def _check_link(path: Path, root: Path, top: Path) -> None:
    try:
        inside = path.resolve().is_relative_to(top)
    except (OSError, RuntimeError):
        # A circle of links leads nowhere.
        inside = False
    if not inside:
        raise UsageError(
            f"{path.relative_to(root)} in {root} is a symbolic link to {str(path.readlink())!r},"
            f" which leads out of {root.name}/. Put the file itself in its place, or remove it."
        )
