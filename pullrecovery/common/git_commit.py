"""The git repository and the commit that a file is checked out from."""

from pathlib import Path

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.process import run


def repository_above(folder: Path) -> Path | None:
    """Return the folder itself or the nearest one above that has `.git`; None if none has.

    Git must start there. It takes a folder with HEAD, config, objects/ and refs/ for a repository
    and runs the programs that its config names: a commit can contain such a folder, but none that
    is named .git.
    """
    return next((top for top in (folder, *folder.parents) if (top / ".git").exists()), None)


def head_commit(file: Path) -> str:
    """Return the full id of the checked-out commit, if it has this file; '' otherwise."""
    whole = file.resolve()
    top = repository_above(whole.parent)
    if top is None:
        return ""
    try:
        _rev_parse(top, f"HEAD:{whole.relative_to(top).as_posix()}")
        return _rev_parse(top, "HEAD^{commit}")
    except PullRecoveryError:
        # The commit does not have the file, or there is no commit or no git.
        return ""


def _rev_parse(top: Path, name: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(top), "rev-parse", "--verify", "--quiet"]
    return run([*command, name]).strip()
