"""Guards that stop a run from passing without testing.

The error of each guard contains the text that identifies the guard.
"""

from enum import StrEnum


class Guard(StrEnum):
    """The guards, each against a known kind of false pass (faults/harness.py)."""

    KNOWN_KEYS = "has no key"
    ROWS_ONCE = "each row stands once"
    TWO_WITNESSES = "One of them is wrong; nothing is judged"
    NEWEST_PODS = "the newest ReplicaSet's pods are all there is, and Ready"
    SOMETHING_JUDGED = "nothing was judged"
    EVERY_CRITERION = "faults of its own, not to three"
    WITNESSES = "not all three witnesses of the pull"
    EGRESS = "to beyond the lab"
    NO_SKIPS = "a skipped test is no pass"
    OBJECT_EXISTS = "no Deployment"
