"""Pages of docs/ that are made from result.json, with a checksum against edits by hand."""

import hashlib
from collections.abc import Iterable

from pullrecovery.common.errors import Exit
from pullrecovery.report.records import Result

_FOOT = "Written by `make status`; do not edit. Checksum of the text above: "


def mark(lines: Iterable[str]) -> str:
    """Return the lines as a page that ends with a checksum."""
    text = "\n".join(lines).rstrip() + "\n"
    return f"{text}\n{_FOOT}`{_checksum(text)}`\n"


def is_unedited(page: str) -> bool:
    """Return whether a page is exactly what was written."""
    text, _, foot = page.rpartition(f"\n{_FOOT}")
    return foot == f"`{_checksum(text)}`\n"


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run_sentence(result: Result) -> str:
    """Return which commit was run, when, on what, and how the run ended."""
    run, matrix = result.run, result.detection_matrix
    scenarios = sum(len(row.detected) for row in matrix.values())
    kubernetes, containerd = (run.versions.get(name, "?") for name in ("kubernetes", "containerd"))
    commit, outcome = run.suite_commit[:12] or "unknown", Exit(run.exit).name.lower()
    return (
        f"Run `{run.id[:8]}` of {run.started[:10]}, commit `{commit}`:\n"
        f"{len(matrix)} faults in {scenarios} scenarios, on Kubernetes {kubernetes} with"
        f" containerd {containerd}; outcome: {outcome}."
    )
