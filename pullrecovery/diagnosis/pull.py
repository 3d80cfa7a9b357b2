"""Diagnose the cause of one failed pull."""

from dataclasses import replace
from shlex import quote

from pullrecovery.diagnosis.application import stale
from pullrecovery.diagnosis.credential import diagnose_effective
from pullrecovery.diagnosis.external import diagnose_words
from pullrecovery.diagnosis.fix_text import OBSERVE
from pullrecovery.diagnosis.grant import diagnose_visibility, is_meant_to_be_public
from pullrecovery.diagnosis.image import diagnose_content
from pullrecovery.diagnosis.node_messages import ANONYMOUS, FORBIDDEN, IMAGE_NOT_FOUND, REJECTED
from pullrecovery.diagnosis.reference import diagnose_reference, missing_image
from pullrecovery.diagnosis.stuck import Stuck, unknown
from pullrecovery.diagnosis.wiring import recreate
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observed import Observed
from pullrecovery.model.verdict import Cause, Verdict, fails


def diagnose_pull(observation: Observed, stuck: Stuck) -> Verdict:
    """Diagnose one failed pull: its cause, its evidence and the command that fixes it."""
    return (
        diagnose_release(observation, stuck.pod.name, stuck.container.image)
        or _diagnose_node(observation, stuck)
        or _diagnose_words(observation, stuck)
    )


def diagnose_release(observation: Observed, where: str, image: str) -> Verdict | None:
    """Diagnose wrong values or an outdated release behind `image`; None if it is correct."""
    wrong_image = diagnose_reference(observation, image)
    chart = observation.optional(Observed.chart)
    if wrong_image is None:
        return None
    if isinstance(chart, NotObserved):
        return replace(wrong_image, evidence=f"{wrong_image.evidence}; {chart.reason}")
    if image not in chart.images:
        evidence = f"{where} runs {image}, not the wanted {observation.workload.image.reference}"
        return stale(observation, evidence)
    return wrong_image


def _diagnose_node(observation: Observed, stuck: Stuck) -> Verdict | None:
    """Diagnose the kubelet's own reasons, which involve no registry."""
    if stuck.container.waiting_reason == "ErrImageNeverPull":
        fix = observation.workload.upgrade_with("image.pullPolicy=IfNotPresent")
        return fails(Cause.NEVER_PULLED, stuck.said, fix)
    if stuck.container.waiting_reason == "ImageInspectError":
        remove = f"run crictl rmi {quote(stuck.container.image)} on the node"
        again = recreate(observation, [stuck.pod.name])
        return fails(Cause.IMAGE_UNREADABLE, stuck.said, f"{remove}, then {again}")
    return None


def _diagnose_words(observation: Observed, stuck: Stuck) -> Verdict:
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


def _diagnose_refused(observation: Observed, stuck: Stuck) -> Verdict | None:
    """Why the registry refuses this pod; for a public package, no credential is needed."""
    carried = observation.target.pull_secret in stuck.pod.pull_secrets
    if is_meant_to_be_public(observation.workload) and not carried:
        grant = observation.optional(Observed.grant)
        if isinstance(grant, NotObserved):
            return fails(Cause.UNKNOWN, grant.reason, OBSERVE)
        return diagnose_visibility(observation.workload, grant)
    return diagnose_effective(observation, stuck.pod)


def is_refused(stuck: Stuck) -> bool:
    """Whether the pull failed because of the pod's credentials, or because it has none."""
    said = stuck.container.waiting_message
    refusals = (ANONYMOUS, REJECTED, FORBIDDEN)
    return stuck.keyring_unreadable or any(rule.search(said) for rule in refusals)


def _fixed_by_now(observation: Observed, stuck: Stuck) -> Verdict:
    evidence = f"{stuck.said}; but the registry accepts a credential of {stuck.pod.name} by now"
    return fails(Cause.PODS_STALE, evidence, recreate(observation, [stuck.pod.name]))
