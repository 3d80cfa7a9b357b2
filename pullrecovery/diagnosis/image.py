"""Diagnose an image that the registry has: its platform, its bytes or its parts."""

import re

from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observed import Observed
from pullrecovery.model.verdict import Cause, Verdict, fails

_NO_PLATFORM = re.compile(r"no match for platform in manifest")
_OTHER_BYTES = re.compile(r"unexpected commit digest|failed size validation")
_NO_PART = re.compile(r"could not fetch content descriptor (\S+)")
# The kernel's message for a program that is built for another processor.
OTHER_PROCESSOR = re.compile(r"exec format error")


def diagnose_content(observation: Observed, said: str) -> Verdict | None:
    """Diagnose what containerd reports about the image's content; None if it reports nothing."""
    push = f"run the workflow that pushes {observation.workload.image.reference} (REG-002) anew"
    if _NO_PLATFORM.search(said):
        return platform_missing(observation, said)
    if _OTHER_BYTES.search(said):
        return fails(Cause.DIGEST_MISMATCH, said, push)
    missing = _NO_PART.search(said)
    if missing:
        return fails(Cause.PART_MISSING, f"{missing.group(1)} is missing: {said}", push)
    return None


def platform_missing(observation: Observed, evidence: str) -> Verdict:
    """The verdict for an image that does not support the node's platform."""
    nodes = observation.optional(Observed.platforms)
    platforms = "the node's platform" if isinstance(nodes, NotObserved) else ", ".join(nodes)
    # The node does not pull a tag again without this, because it already has an image for it.
    upgrade = observation.workload.upgrade_with("image.pullPolicy=Always")
    wanted = observation.workload.image.reference
    push = f"push an image for {platforms} under {wanted} (REG-002), then {upgrade}"
    return fails(Cause.PLATFORM_MISSING, evidence, push)
