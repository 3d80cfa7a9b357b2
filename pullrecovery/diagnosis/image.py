"""Diagnose an image that the registry has: its platform, its bytes or its parts."""

from pullrecovery.diagnosis.node_messages import NO_PART, NO_PLATFORM, OTHER_BYTES
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observed import Observed
from pullrecovery.model.verdict import Cause, Verdict, fails


def diagnose_content(observation: Observed, said: str) -> Verdict | None:
    """Diagnose what containerd reports about the image's content; None if it reports nothing."""
    push = f"run the workflow that pushes {observation.workload.image.reference} (REG-002) anew"
    if NO_PLATFORM.search(said):
        return platform_missing(observation, said)
    if OTHER_BYTES.search(said):
        return fails(Cause.DIGEST_MISMATCH, said, push)
    missing = NO_PART.search(said)
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
