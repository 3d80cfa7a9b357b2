"""One revision of a target in a folder of its own: what is judged is the commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pullrecovery.errors import UsageError
from pullrecovery.model import Target
from pullrecovery.process import CommandError, run
from pullrecovery.target import load_target

_GIT = ("git", "--no-optional-locks")


@dataclass(frozen=True)
class Revision:
    """A commit by its full id, and the target's folder as it is in it."""

    sha: str
    folder: Path


@contextmanager
def checked_out(folder: Path, name: str, into: Path) -> Iterator[Revision]:
    """The target `folder` as the commit that git knows by `name` has it, until the block ends.

    It is written in a folder of its own below `into`, which goes again; nothing in the repository
    is changed. Raises UsageError where the folder is in no repository or has changes that are in
    no commit, or the name is no commit's, or that has no such folder.
    """
    root = _root(folder)
    below = folder.resolve().relative_to(root)
    sha = _commit(root, name)
    _check_clean(folder)
    with TemporaryDirectory(prefix="gate-", dir=into) as scratch:
        copy = Path(scratch).resolve() / "revision"
        _write(root, sha, below, copy)
        if not (copy / below).is_dir():
            raise UsageError(f"Revision {sha} has no folder {below}; TARGET is a folder in it.")
        yield Revision(sha, copy / below)


def commit_of(folder: Path, name: str) -> str:
    """The full id of the commit that the folder's repository knows by `name`."""
    return _commit(_root(folder), name)


def target_in(copy: Path, folder: Path) -> Target:
    """The target in a copy of `folder`; an error of its target.yaml names the folder it is of."""
    try:
        return load_target(copy)
    except UsageError as error:
        raise UsageError(str(error).replace(str(copy), str(folder))) from error


def _root(folder: Path) -> Path:
    """The top of the repository that the folder is in."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; TARGET must be one that holds a target.yaml.")
    try:
        found = _git(folder, "rev-parse", "--show-toplevel").strip()
    except CommandError as error:
        said = error.output.strip().splitlines()[:1]
        raise UsageError(
            f"{folder} is in no git repository ({' '.join(said)}); the gate judges commits."
        ) from error
    return Path(found).resolve()


def _commit(root: Path, name: str) -> str:
    """The full id of a commit; a name that begins like an option is none."""
    try:
        return _git(root, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").strip()
    except CommandError as error:
        raise UsageError(
            f"{name!r} is no commit of {root}; fetch it (`git fetch origin {name}`), or give one"
            " that `git log` shows."
        ) from error


def _check_clean(folder: Path) -> None:
    """What is in no commit would not be judged, and whoever asks may believe it is."""
    changed = _git(folder, "status", "--porcelain", "--", ".").splitlines()
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        names = ", ".join(line[3:] for line in changed[:3])
        raise UsageError(
            f"{folder} has changes that are in no commit: {names}{more}. Commit them or take them"
            " away (`git stash --include-untracked`); the gate judges commits."
        )


def _write(root: Path, sha: str, below: Path, copy: Path) -> None:
    """Write the commit's files below a folder; by an index of our own, and with no attribute left.

    `git archive` would leave out what .gitattributes exports not, and Argo CD does not.
    """
    copy.mkdir()
    index = {"GIT_INDEX_FILE": str(copy.with_name("index"))}
    _git(root, "read-tree", sha, env=index)
    names = _git(root, "ls-files", "-z", "--", str(below), env=index)
    writing = ("checkout-index", "-z", "--stdin", f"--prefix={copy}/")
    _git(root, *writing, stdin=names, env=index)


def _git(
    folder: Path, *arguments: str, stdin: str | None = None, env: dict[str, str] | None = None
) -> str:
    return run([*_GIT, "-C", str(folder), *arguments], stdin=stdin, env=env)
