"""The changes that a remediation makes, or with a dry run would make."""

import difflib
from dataclasses import dataclass

from pullrecovery.common.redaction import redact


@dataclass(frozen=True)
class Change:
    """One remediation's change: `summary` is a sentence, `diff` a unified diff without secrets.

    Without a `diff` nothing is changed, and `summary` says so.
    """

    summary: str
    diff: str = ""

    def __str__(self) -> str:
        return f"{self.summary}\n{self.diff}".strip()


def diff_of(before: str, after: str, name: str) -> str:
    """The unified diff of two texts of `name`, redacted; '' if they are equal."""
    lines = difflib.unified_diff(
        redact(before).splitlines(), redact(after).splitlines(), name, name, lineterm=""
    )
    return "\n".join(lines)
