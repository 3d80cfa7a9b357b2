"""The cause of one failed pull."""

import re

from pullrecovery.diagnosis.advice import WAIT
from pullrecovery.diagnosis.credential import diagnose_credential
from pullrecovery.diagnosis.reference import diagnose_reference, missing_image
from pullrecovery.diagnosis.stuck import Stuck, unknown
from pullrecovery.diagnosis.wiring import is_wired, wiring_remedy
from pullrecovery.model import Cause, Verdict, fails
from pullrecovery.observation import Observation

_ANONYMOUS = re.compile(r"failed to fetch anonymous token")
_REJECTED = re.compile(r"failed to fetch oauth token.*403 Forbidden", re.DOTALL)
_FORBIDDEN = re.compile(r"/manifests/\S+: 403 Forbidden")
# A status that says "later", or no status at all: refused, timed out, not resolved, not trusted.
_UNAVAILABLE = re.compile(r": (429|5\d\d) [A-Z]|failed to do request:|dial tcp|: EOF$")
_MISSING = re.compile(r": not found")


def diagnose_pull(seen: Observation, stuck: Stuck) -> Verdict:
    """Name the cause of one failed pull, its evidence and the command that mends it."""
    container, wanted = stuck.container, seen.workload.image
    wrong_image = diagnose_reference(seen, container.image)
    if wrong_image and not _rendered(seen, container.image):
        return fails(
            Cause.RELEASE_STALE,
            f"{stuck.pod.name} runs {container.image}, not the wanted {wanted.reference}",
            seen.workload.upgrade_command,
        )
    if wrong_image:
        return wrong_image
    if _UNAVAILABLE.search(container.waiting_message):
        return fails(Cause.REGISTRY_UNREACHABLE, stuck.said, WAIT)
    if _ANONYMOUS.search(container.waiting_message):
        return diagnose_anonymous(seen, stuck)
    if _REJECTED.search(container.waiting_message) or _FORBIDDEN.search(container.waiting_message):
        return diagnose_credential(seen.secret) or unknown(stuck)
    if _MISSING.search(container.waiting_message):
        return missing_image(seen, f"{container.image}: {seen.wanted}")
    return unknown(stuck)


def diagnose_anonymous(seen: Observation, stuck: Stuck) -> Verdict:
    """The kubelet had no credential for this image: no wire, or nothing usable behind it."""
    name = seen.target.pull_secret
    if name in stuck.pod.pull_secrets:
        return diagnose_credential(seen.secret) or unknown(stuck)
    evidence = f"{stuck.pod.name} has the pull secrets {list(stuck.pod.pull_secrets)}, not {name}"
    if is_wired(seen):
        remedy = f"kubectl -n {seen.workload.namespace} delete pod {stuck.pod.name}"
        return fails(Cause.PODS_STALE, evidence, remedy)
    return fails(Cause.NOT_WIRED, evidence, wiring_remedy(seen))


def _rendered(seen: Observation, image: str) -> bool:
    return image in seen.chart.images
