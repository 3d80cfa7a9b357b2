"""Write one commit of a target to a temporary directory, because the gate judges commits."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory
from typing import IO

from pullrecovery.common.errors import UsageError
from pullrecovery.common.git_commit import repository_above
from pullrecovery.common.process import CommandError, child, run
from pullrecovery.gate.manifests import check_applications
from pullrecovery.model.target import Target
from pullrecovery.monorepo.target_yaml import load_target

_GIT = ("git", "--no-optional-locks")
# Argo CD clones, and a clone has no replacement objects. A directory's name is not a pattern.
_ENVIRONMENT = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_LITERAL_PATHSPECS": "1"}
_READ_WITHIN = 120.0
# The file modes as `git ls-tree` prints them.
_PROGRAM, _LINK, _SUBMODULE = "100755", "120000", "160000"


@dataclass(frozen=True)
class Revision:
    """A commit by its full id, and the target's directory as that commit has it."""

    sha: str
    folder: Path


@contextmanager
def checked_out(folder: Path, name: str, into: Path) -> Iterator[Revision]:
    """Yield the target `folder` at the commit `name`, written to a directory below `into`.

    The directory is deleted at the end of the block, and the repository does not change. Raises
    UsageError if the folder is not in a repository, has uncommitted changes or is missing in the
    commit, or if `name` is not a commit.
    """
    root = root_of(folder)
    below = folder.resolve().relative_to(root)
    sha = _commit(root, name)
    _check_clean(root, folder)
    with TemporaryDirectory(prefix="gate-", dir=into) as scratch:
        copy = Path(scratch).resolve() / "revision"
        _write(root, sha, below, copy)
        if not (copy / below).is_dir():
            raise UsageError(f"Revision {sha} has no folder {below}; TARGET is a folder in it.")
        yield Revision(sha, copy / below)


def commit_of(folder: Path, name: str) -> str:
    """Return the full id of the commit that the folder's repository knows by `name`."""
    return _commit(root_of(folder), name)


def target_in(copy: Path, folder: Path) -> Target:
    """Return the target in `copy`, a copy of `folder`, after a check of its Applications.

    Raises UsageError for a mistake in target.yaml or in an Application; the error names `folder`.
    """
    try:
        target = load_target(copy)
        check_applications(target)
    except UsageError as error:
        raise UsageError(str(error).replace(str(copy), str(folder))) from error
    return target


def root_of(folder: Path) -> Path:
    """Return the top of the folder's repository, in which every git command must start.

    Raises UsageError if there is no such folder, or if it is in no repository of its own.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; TARGET must be one that holds a target.yaml.")
    whole = folder.resolve()
    top = repository_above(whole)
    try:
        found = _git(top, "rev-parse", "--show-toplevel").strip() if top else ""
    except CommandError as error:
        said = error.output.strip().splitlines()[:1]
        raise UsageError(_no_repository(folder, " ".join(said))) from error
    if not top or Path(found).resolve() != top:
        raise UsageError(_no_repository(folder, "no folder above it has a .git of its own"))
    return top


def _no_repository(folder: Path, why: str) -> str:
    return f"{folder} is in no git repository ({why}); the gate judges commits."


def _commit(root: Path, name: str) -> str:
    """Return the full id of a commit; a name that begins like an option is not a commit."""
    try:
        return _git(root, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").strip()
    except CommandError as error:
        raise UsageError(
            f"{name!r} is no commit of {root}; fetch it (`git fetch origin {quote(name)}`), or give"
            " one that `git log` shows."
        ) from error


def _check_clean(root: Path, folder: Path) -> None:
    """Raise UsageError for uncommitted changes, which the gate would not judge."""
    changed = _git(root, "status", "--porcelain", "--", str(folder.resolve())).splitlines()
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        names = ", ".join(line[3:] for line in changed[:3])
        raise UsageError(
            f"{folder} has changes that are in no commit: {names}{more}. Commit them or take them"
            " away (`git stash --include-untracked`); the gate judges commits."
        )


def _write(root: Path, sha: str, below: Path, copy: Path) -> None:
    """Write the commit's files below a directory byte for byte, whatever their attributes are.

    Raises UsageError for a submodule, whose content is in another repository, and for a symbolic
    link that leaves the repository, which Argo CD does not deploy.
    """
    copy.mkdir()
    entries = _entries(root, sha, below)
    for entry in entries:
        _check_entry(entry, sha)
    contents = copy.with_name("contents")
    with contents.open("wb") as file:
        ids = "".join(f"{entry.id}\n" for entry in entries)
        pipes = {"stdin": subprocess.PIPE, "stdout": file, "stderr": subprocess.PIPE}
        command = [*_GIT, "-C", str(root), "cat-file", "--batch"]
        with child(command, env=_ENVIRONMENT, popen=pipes) as batch:
            _, said = batch.communicate(ids, timeout=_READ_WITHIN)
    if batch.returncode != 0:
        raise CommandError(command, batch.returncode, said)
    with contents.open("rb") as file:
        # Links last, so that no file is written through a link.
        links = [_lay(entry, file, copy) for entry in entries]
    for entry, target in zip(entries, links, strict=True):
        if target is not None:
            (copy / entry.path).symlink_to(target)
    for entry, target in zip(entries, links, strict=True):
        if target is not None:
            _check_link(copy, entry, target, sha)


@dataclass(frozen=True)
class _Entry:
    """A file of a commit: its mode as git prints it, the id of its content, and its path."""

    mode: str
    id: str
    path: str


def _entries(root: Path, sha: str, below: Path) -> list[_Entry]:
    listed = _git(root, "ls-tree", "-r", "-z", "--full-tree", sha, "--", str(below))
    found = []
    for line in listed.split("\0")[:-1]:
        described, _, path = line.partition("\t")
        mode, _, name = described.split()
        found.append(_Entry(mode, name, path))
    return found


def _check_entry(entry: _Entry, sha: str) -> None:
    if entry.mode == _SUBMODULE:
        raise UsageError(
            f"{entry.path} of {sha} is a submodule: what Argo CD deploys of it is in another"
            " repository, and cannot be judged by this commit. Commit its files in its place."
        )
    parts = entry.path.split("/")
    if {"", ".", "..", ".git"} & {part.lower() for part in parts}:
        raise UsageError(f"{entry.path!r} of {sha} is no path that git writes; remove it.")


def _lay(entry: _Entry, contents: IO[bytes], copy: Path) -> str | None:
    """Write the next content to the entry's path.

    For a symbolic link, return its target instead.
    """
    _, _, size = contents.readline().decode().split()
    content = contents.read(int(size))
    contents.read(1)
    file = copy / entry.path
    file.parent.mkdir(parents=True, exist_ok=True)
    if entry.mode == _LINK:
        return os.fsdecode(content)
    file.write_bytes(content)
    file.chmod(0o755 if entry.mode == _PROGRAM else 0o644)
    return None


def _check_link(copy: Path, entry: _Entry, target: str, sha: str) -> None:
    """Raise UsageError if a link leaves the target or is circular."""
    try:
        inside = not Path(target).is_absolute() and (copy / entry.path).resolve().is_relative_to(
            copy
        )
    except (OSError, RuntimeError):
        inside = False
    if not inside:
        raise UsageError(
            f"{entry.path} of {sha} is a symbolic link to {target!r}, which leads out of the"
            " target; Argo CD deploys no such repository. Put the file itself in its place."
        )


def _git(folder: Path, *arguments: str) -> str:
    return run([*_GIT, "-C", str(folder), *arguments], env=_ENVIRONMENT)
