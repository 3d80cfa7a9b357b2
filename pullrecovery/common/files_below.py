"""List the files of an untrusted directory without following links that leave it."""

import os
from collections.abc import Iterator
from pathlib import Path

from pullrecovery.common.errors import UsageError

# npm and Docusaurus create these in the directory of a site.
MADE_BY_NPM = frozenset({"node_modules", "build", ".docusaurus"})


def files_below(root: Path, left_out: frozenset[str] = frozenset()) -> list[Path]:
    """The regular files below `root`, sorted, without paths that have a name in `left_out`.

    A symbolic link to a file within `root` counts as a file; a link to a directory is not entered.
    Raises UsageError for a symbolic link that leads out of `root`, wherever it leads.
    """
    top = root.resolve()
    paths = []
    for path in _entries(root, left_out):
        if path.is_symlink():
            _check_link(path, root, top)
        if path.is_file():
            paths.append(path)
    return sorted(paths)


def _entries(root: Path, left_out: frozenset[str]) -> Iterator[Path]:
    """Everything below `root` that is not a directory, and links to directories."""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in left_out]
        here = Path(folder)
        yield from (here / name for name in folders if (here / name).is_symlink())
        yield from (here / name for name in files if name not in left_out)


def _check_link(path: Path, root: Path, top: Path) -> None:
    try:
        inside = path.resolve().is_relative_to(top)
    except (OSError, RuntimeError):
        # A cycle of links leads to no file.
        inside = False
    if not inside:
        raise UsageError(
            f"{path.relative_to(root)} in {root} is a symbolic link to {str(path.readlink())!r},"
            f" which leads out of {root.name}/. Put the file itself in its place, or remove it."
        )
