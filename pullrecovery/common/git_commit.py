"""The commit that a file is checked out from."""

from pathlib import Path

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.process import run


def head_commit(file: Path) -> str:
    """Return the full id of the checked-out commit, if it has this file; '' otherwise.

    Git starts in the folder that has `.git`: elsewhere a commit could contain a folder that git
    takes for a repository, and whose configuration names programs to run.
    """
    whole = file.resolve()
    top = next((folder for folder in whole.parents if (folder / ".git").exists()), None)
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
