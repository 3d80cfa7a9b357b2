"""Which commit of the suite runs: that of its checkout, or the one stamped into an image."""

from functools import cache
from pathlib import Path

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.process import run

ROOT = Path(__file__).resolve().parents[2]
# Beside the package, in an image; a checkout has none.
STAMP = "pull-recovery.commit"


@cache
def suite_commit(root: Path = ROOT) -> str:
    """Return the full commit id of the suite in `root`; '' where nothing tells it."""
    stamp = root / STAMP
    if stamp.is_file():
        return stamp.read_text(encoding="ascii").strip()
    if not (root / ".git").exists():
        # A repository further up is not the suite's own.
        return ""
    try:
        return run(["git", "-C", str(root), "rev-parse", "--verify", "HEAD^{commit}"]).strip()
    except PullRecoveryError:
        return ""
