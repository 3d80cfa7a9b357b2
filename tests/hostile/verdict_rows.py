"""Hostile verdicts, records and keys, and how the gate's commands end on each of them."""

from dataclasses import dataclass

from fixtures.lab.hostile_rows import Actor, HostileRow, Reader


@dataclass(frozen=True)
class VerdictRow(HostileRow):
    """A row whose `error` is printed, and whose `code` is the exit code."""

    error: str
    code: int


_VERDICT = Reader.VERDICT
ROWS = (
    VerdictRow(
        "verdict-of-another-environment",
        Actor.ENVIRONMENT,
        _VERDICT,
        "frontend: the chart judged is sha256:999",
        1,
    ),
    VerdictRow("verdict-of-another-key", Actor.ENVIRONMENT, _VERDICT, "with another key than", 1),
    VerdictRow("verdict-without-signature", Actor.ENVIRONMENT, _VERDICT, "signed by 'none'", 1),
    VerdictRow("verdict-on-lab-images", Actor.ENVIRONMENT, _VERDICT, "found in the lab world", 1),
    VerdictRow("record-edited-to-promote", Actor.ENVIRONMENT, _VERDICT, "the record says promote", 2),
    VerdictRow("record-of-another-commit", Actor.ENVIRONMENT, _VERDICT, "is on revision 0000", 2),
    VerdictRow("record-without-end", Actor.USER, _VERDICT, "more than 1000000 bytes", 2),
    VerdictRow("key-others-may-read", Actor.USER, _VERDICT, "gate.key has mode 0644", 4),
)  # fmt: skip
