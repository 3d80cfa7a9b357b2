"""The cause of one failed pull."""

import re

from pullrecovery.diagnosis.advice import WAIT
from pullrecovery.diagnosis.credential import diagnose_effective
from pullrecovery.diagnosis.reference import diagnose_reference, missing_image
from pullrecovery.diagnosis.stuck import Stuck, unknown
from pullrecovery.diagnosis.wiring import recreate
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
    refused = is_refused(stuck)
    wrong_credential = diagnose_effective(seen, stuck.pod) if refused else None
    if wrong_credential:
        return wrong_credential
    if _MISSING.search(container.waiting_message):
        return missing_image(seen, f"{container.image}: {seen.wanted}")
    return _mended_by_now(seen, stuck) if refused else unknown(stuck)


def is_refused(stuck: Stuck) -> bool:
    """Whether the pull went wrong by the pod's credentials, or for want of them."""
    said = stuck.container.waiting_message
    refusals = (_ANONYMOUS, _REJECTED, _FORBIDDEN)
    return stuck.keyring_unreadable or any(rule.search(said) for rule in refusals)


def _mended_by_now(seen: Observation, stuck: Stuck) -> Verdict:
    evidence = f"{stuck.said}; but the registry accepts a credential of {stuck.pod.name} by now"
    return fails(Cause.PODS_STALE, evidence, recreate(seen, [stuck.pod.name]))


def _rendered(seen: Observation, image: str) -> bool:
    return image in seen.chart.images
