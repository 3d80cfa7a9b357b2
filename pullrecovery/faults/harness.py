"""Faults against the suite itself: ways in which other suites passed without testing.

Each must end in an error that names the guard; acceptance/test_harness_faults.py causes them. The
numbers are those of the collection that they come from; V5 and V12 are about gates.
"""

from dataclasses import dataclass

from pullrecovery.common.false_pass_guards import Guard


@dataclass(frozen=True)
class HarnessFault:
    """A false pass and the guard against it."""

    id: str
    guard: Guard
    false_pass: str


HARNESS_FAULTS = (
    HarnessFault("V1", Guard.KNOWN_KEYS, "a misspelt key is passed over, so nothing is judged"),
    HarnessFault("V2", Guard.ROWS_ONCE, "one row is judged twice, in place of two"),
    HarnessFault("V3", Guard.TWO_WITNESSES, "a script swallows the error of its command"),
    HarnessFault("V4", Guard.NEWEST_PODS, "helm --wait succeeds with a pod in ImagePullBackOff"),
    HarnessFault("V6", Guard.SOMETHING_JUDGED, "tests that would run are reported as passed"),
    HarnessFault("V7", Guard.EVERY_CRITERION, "a run without every criterion counts as whole"),
    HarnessFault("V8", Guard.WITNESSES, "an image on the node hides that nothing was pulled"),
    HarnessFault("V9", Guard.EGRESS, "a pull goes to the real registry"),
    HarnessFault("V10", Guard.TWO_WITNESSES, "a login that lies about is used"),
    HarnessFault("V11", Guard.NEWEST_PODS, "a Ready pod of the old ReplicaSet satisfies"),
    HarnessFault("V13", Guard.NO_SKIPS, "a skipped test counts as a good one"),
    HarnessFault("V14", Guard.OBJECT_EXISTS, "a check of all objects holds where there are none"),
)
