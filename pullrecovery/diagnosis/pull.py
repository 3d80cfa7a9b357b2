"""Diagnose the cause of one failed pull."""

from shlex import quote

from pullrecovery.diagnosis.application import stale
from pullrecovery.diagnosis.credential import diagnose_effective
from pullrecovery.diagnosis.external import diagnose_words
from pullrecovery.diagnosis.grant import diagnose_visibility, is_meant_to_be_public
from pullrecovery.diagnosis.image import diagnose_content
from pullrecovery.diagnosis.node_messages import ANONYMOUS, FORBIDDEN, IMAGE_NOT_FOUND, REJECTED
from pullrecovery.diagnosis.reference import diagnose_reference, missing_image
from pullrecovery.diagnosis.stuck import Stuck, unknown
from pullrecovery.diagnosis.wiring import recreate
from pullrecovery.model.observation import Observation
from pullrecovery.model.verdict import Cause, Verdict, fails


def diagnose_pull(observation: Observation, stuck: Stuck) -> Verdict:
    """Diagnose one failed pull: its cause, its evidence and the command that fixes it."""
    return (
        diagnose_release(observation, stuck.pod.name, stuck.container.image)
        or _diagnose_node(observation, stuck)
        or _diagnose_words(observation, stuck)
    )


def diagnose_release(observation: Observation, where: str, image: str) -> Verdict | None:
    """Diagnose wrong values or an outdated release behind `image`; None if it is correct."""
    wrong_image = diagnose_reference(observation, image)
    if wrong_image and image not in observation.chart.images:
        evidence = f"{where} runs {image}, not the wanted {observation.workload.image.reference}"
        return stale(observation, evidence)
    return wrong_image


def _diagnose_node(observation: Observation, stuck: Stuck) -> Verdict | None:
    """Diagnose the kubelet's own reasons, which involve no registry."""
    if stuck.container.waiting_reason == "ErrImageNeverPull":
        fix = observation.workload.upgrade_with("image.pullPolicy=IfNotPresent")
        return fails(Cause.NEVER_PULLED, stuck.said, fix)
    if stuck.container.waiting_reason == "ImageInspectError":
        remove = f"run crictl rmi {quote(stuck.container.image)} on the node"
        again = recreate(observation, [stuck.pod.name])
        return fails(Cause.IMAGE_UNREADABLE, stuck.said, f"{remove}, then {again}")
    return None


def _diagnose_words(observation: Observation, stuck: Stuck) -> Verdict:
    """Diagnose containerd's message about the pull."""
    said = stuck.container.waiting_message
    beyond = diagnose_words(observation, stuck)
    if beyond:
        return beyond
    refused = is_refused(stuck)
    wrong_credential = _diagnose_refused(observation, stuck) if refused else None
    content = diagnose_content(observation, said)
    if wrong_credential or content:
        return wrong_credential or content or unknown(stuck)
    if IMAGE_NOT_FOUND.search(said):
        return missing_image(observation, f"{stuck.container.image}: {observation.wanted}")
    return _fixed_by_now(observation, stuck) if refused else unknown(stuck)


def _diagnose_refused(observation: Observation, stuck: Stuck) -> Verdict | None:
    """Why the registry refuses this pod; for a public package, no credential is needed."""
    if (
        is_meant_to_be_public(observation)
        and observation.target.pull_secret not in stuck.pod.pull_secrets
    ):
        return diagnose_visibility(observation)
    return diagnose_effective(observation, stuck.pod)


def is_refused(stuck: Stuck) -> bool:
    """Whether the pull failed because of the pod's credentials, or because it has none."""
    said = stuck.container.waiting_message
    refusals = (ANONYMOUS, REJECTED, FORBIDDEN)
    return stuck.keyring_unreadable or any(rule.search(said) for rule in refusals)


def _fixed_by_now(observation: Observation, stuck: Stuck) -> Verdict:
    evidence = f"{stuck.said}; but the registry accepts a credential of {stuck.pod.name} by now"
    return fails(Cause.PODS_STALE, evidence, recreate(observation, [stuck.pod.name]))
