"""The version and commit of the running suite."""

from functools import cache
from pathlib import Path

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.process import run
from pullrecovery.common.suite_files import SUITE_ROOT

# A file beside the suite's files in a wheel or image, with version and commit; not in a checkout.
STAMP = "pull-recovery.version"
_UNTAGGED = "0.0.0"


def stamp(root: Path = SUITE_ROOT) -> str:
    """Return the text of the stamp for a copy of the suite in `root`."""
    return f"{suite_version(root)}\n{suite_commit(root)}\n"


@cache
def suite_commit(root: Path = SUITE_ROOT) -> str:
    """Return the full commit id of the suite in `root`; '' if unknown."""
    stamped = _stamped(root)
    return stamped[1] if stamped else _git(root, "rev-parse", "--verify", "HEAD^{commit}")


@cache
def suite_version(root: Path = SUITE_ROOT) -> str:
    """Return the version of the suite in `root`: that of the last tag `v…` before its commit.

    A commit after the tag is `1.2.0+3.gabcdef012`: the number of commits and the commit's id.
    Without a tag, or outside a repository, it is 0.0.0.
    """
    stamped = _stamped(root)
    if stamped:
        return stamped[0]
    described = _git(root, "describe", "--tags", "--match=v*", "--long", "--abbrev=9")
    if not described:
        commit = suite_commit(root)
        return f"{_UNTAGGED}+g{commit[:9]}" if commit else _UNTAGGED
    tag, commits, short = described.rsplit("-", 2)
    version = tag.removeprefix("v")
    return version if commits == "0" else f"{version}+{commits}.{short}"


def _stamped(root: Path) -> list[str]:
    file = root / STAMP
    return file.read_text(encoding="ascii").split("\n") if file.is_file() else []


def _git(root: Path, *arguments: str) -> str:
    if not (root / ".git").exists():
        # A repository in a parent directory is not the suite's own.
        return ""
    try:
        return run(["git", "-C", str(root), *arguments]).strip()
    except PullRecoveryError:
        return ""
