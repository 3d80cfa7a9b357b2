"""The cause of one failed pull."""

import re
from shlex import quote

from pullrecovery.diagnosis.application import stale
from pullrecovery.diagnosis.credential import diagnose_effective
from pullrecovery.diagnosis.external import diagnose_words
from pullrecovery.diagnosis.grant import diagnose_visibility, is_meant_to_be_public
from pullrecovery.diagnosis.image import diagnose_content
from pullrecovery.diagnosis.reference import diagnose_reference, missing_image
from pullrecovery.diagnosis.stuck import Stuck, unknown
from pullrecovery.diagnosis.wiring import recreate
from pullrecovery.model.observation import Observation
from pullrecovery.model.verdict import Cause, Verdict, fails

ANONYMOUS = re.compile(r"failed to fetch anonymous token")
REJECTED = re.compile(r"failed to fetch oauth token.*403 Forbidden", re.DOTALL)
_FORBIDDEN = re.compile(r"/manifests/\S+: 403 Forbidden")
IMAGE_NOT_FOUND = re.compile(r": not found")


def diagnose_pull(seen: Observation, stuck: Stuck) -> Verdict:
    """Name the cause of one failed pull, its evidence and the command that mends it."""
    return (
        diagnose_release(seen, stuck.pod.name, stuck.container.image)
        or _diagnose_node(seen, stuck)
        or _diagnose_words(seen, stuck)
    )


def diagnose_release(seen: Observation, where: str, image: str) -> Verdict | None:
    """What is wrong with an image that runs or is to run: the values, or the release; or None."""
    wrong_image = diagnose_reference(seen, image)
    if wrong_image and image not in seen.chart.images:
        evidence = f"{where} runs {image}, not the wanted {seen.workload.image.reference}"
        return stale(seen, evidence)
    return wrong_image


def _diagnose_node(seen: Observation, stuck: Stuck) -> Verdict | None:
    """Reasons of the kubelet's own, for which no registry was asked."""
    if stuck.container.waiting_reason == "ErrImageNeverPull":
        remedy = seen.workload.upgrade_with("image.pullPolicy=IfNotPresent")
        return fails(Cause.NEVER_PULLED, stuck.said, remedy)
    if stuck.container.waiting_reason == "ImageInspectError":
        remove = f"run crictl rmi {quote(stuck.container.image)} on the node"
        again = recreate(seen, [stuck.pod.name])
        return fails(Cause.IMAGE_UNREADABLE, stuck.said, f"{remove}, then {again}")
    return None


def _diagnose_words(seen: Observation, stuck: Stuck) -> Verdict:
    """What containerd said of the pull."""
    said = stuck.container.waiting_message
    beyond = diagnose_words(seen, stuck)
    if beyond:
        return beyond
    refused = is_refused(stuck)
    wrong_credential = _diagnose_refused(seen, stuck) if refused else None
    content = diagnose_content(seen, said)
    if wrong_credential or content:
        return wrong_credential or content or unknown(stuck)
    if IMAGE_NOT_FOUND.search(said):
        return missing_image(seen, f"{stuck.container.image}: {seen.wanted}")
    return _mended_by_now(seen, stuck) if refused else unknown(stuck)


def _diagnose_refused(seen: Observation, stuck: Stuck) -> Verdict | None:
    """Why the registry refuses this pod; one of a public package needs no credential for it."""
    if is_meant_to_be_public(seen) and seen.target.pull_secret not in stuck.pod.pull_secrets:
        return diagnose_visibility(seen)
    return diagnose_effective(seen, stuck.pod)


def is_refused(stuck: Stuck) -> bool:
    """Whether the pull went wrong by the pod's credentials, or for want of them."""
    said = stuck.container.waiting_message
    refusals = (ANONYMOUS, REJECTED, _FORBIDDEN)
    return stuck.keyring_unreadable or any(rule.search(said) for rule in refusals)


def _mended_by_now(seen: Observation, stuck: Stuck) -> Verdict:
    evidence = f"{stuck.said}; but the registry accepts a credential of {stuck.pod.name} by now"
    return fails(Cause.PODS_STALE, evidence, recreate(seen, [stuck.pod.name]))
