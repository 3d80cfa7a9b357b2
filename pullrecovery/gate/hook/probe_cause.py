"""Name the cause of a probe's failed pull with the suite's own diagnosis.

The hook may not read Secrets, events or ServiceAccounts. It has the probe pod, into which the API
server copied the ServiceAccount's pull secrets, and the node's messages. This module makes an
observation of these for the diagnosis.
"""

from dataclasses import replace
from pathlib import Path

import httpx

from pullrecovery.diagnosis.credential import diagnose_credential
from pullrecovery.diagnosis.external import diagnose_words
from pullrecovery.diagnosis.fix_text import make_secret
from pullrecovery.diagnosis.image import diagnose_content
from pullrecovery.diagnosis.node_messages import ANONYMOUS, IMAGE_NOT_FOUND, REJECTED
from pullrecovery.diagnosis.pull import is_refused
from pullrecovery.diagnosis.reference import missing_image
from pullrecovery.diagnosis.stuck import Stuck, unknown
from pullrecovery.diagnosis.wiring import diagnose_wiring
from pullrecovery.gate.hook.settings import HookSettings
from pullrecovery.model.observation import (
    DeploymentStatus,
    PullSecret,
    PullSecretEntry,
    unobserved,
)
from pullrecovery.model.observed import Observed, all_parts
from pullrecovery.model.probe import Credential, Probe
from pullrecovery.model.target import Target, Workflow, Workload
from pullrecovery.model.verdict import Cause, Verdict, fails
from pullrecovery.registry.failures import failure_in
from pullrecovery.registry.keyring import DOCKER_CONFIG_JSON

# Unknown to the hook: commands in the fixes contain these placeholders for the reader to fill in.
_CHART = Path("CHART")
_KEY = "imagePullSecrets"
# A probe pod shows nothing of the workflow.
_UNSEEN = Workflow("", Path(), "", "", "")
_LONGEST = 300
# Seconds until the kubelet has tried again: its first back-off is 10 s, and its next sync of the
# pod may take half as long again (imageBackOffPeriod, workerResyncIntervalJitterFactor).
SECOND_TRY = 20.0


def may_end(stuck: Stuck, seconds: float) -> bool:
    """Return whether waiting longer cannot help a probe that has been stuck for `seconds`.

    An outage may end on its own. A kubelet that does not get a pod's Secret within a second, for
    example on a busy node, pulls anonymously. So if the pod names a Secret, the second try decides.
    """
    if external_of(stuck) is not None:
        return False
    asks_anonymously = ANONYMOUS.search(stuck.container.waiting_message)
    return not (asks_anonymously and stuck.pod.pull_secrets) or seconds >= SECOND_TRY


def external_of(stuck: Stuck) -> Cause | None:
    """Return the external cause in the node's message, or None."""
    failure = failure_in(stuck.container.waiting_message)
    return Cause(f"external.{failure}") if failure else None


def diagnose_probe(settings: HookSettings, stuck: Stuck, wanted: Probe) -> Verdict:
    """Return the cause of the probe's failed pull.

    `wanted` is the hook's own probe of the registry.
    """
    seen = _observation(settings, stuck, wanted)
    return (
        diagnose_words(seen, stuck)
        or (_diagnose_refused(settings, seen, stuck) if is_refused(stuck) else None)
        or diagnose_content(seen, stuck.container.waiting_message)
        or _diagnose_missing(seen, stuck)
        or unknown(stuck)
    )


def _diagnose_missing(observation: Observed, stuck: Stuck) -> Verdict | None:
    said = stuck.container.waiting_message
    return missing_image(observation, said) if IMAGE_NOT_FOUND.search(said) else None


def _diagnose_refused(
    settings: HookSettings, observation: Observed, stuck: Stuck
) -> Verdict | None:
    """Diagnose the pod's pull secrets, which are known only by their effect."""
    names = stuck.pod.pull_secrets
    if stuck.keyring_unreadable or not ANONYMOUS.search(stuck.container.waiting_message):
        return diagnose_credential(observation.target, observation.secret)
    if not names:
        return diagnose_wiring(observation)
    where = f"the node asks anonymously, though the pod names {', '.join(names)}"
    evidence = (
        f"{where}: no such Secret is in {settings.namespace}, or it is of another type, or has no"
        f" entry for {settings.image.registry}"
    )
    make = make_secret(observation.target, observation.secret.name, observation.secret.namespace)
    return fails(Cause.SECRET_MISSING, evidence, make)


def _observation(settings: HookSettings, stuck: Stuck, wanted: Probe) -> Observed:
    pod, image = stuck.pod, settings.image
    name = pod.pull_secrets[0] if pod.pull_secrets else "a pull secret"
    workload = Workload(settings.workload, _CHART, (), settings.namespace, image, _KEY, Path("APP"))
    target = Target("", Path(), image.registry, image.owner, "", name, False, (workload,), _UNSEEN)
    deployment = DeploymentStatus(
        exists=True,
        template_pull_secrets=settings.pull_secrets,
        service_account=settings.service_account,
        service_account_pull_secrets=pod.pull_secrets,
    )
    observation = replace(
        unobserved(target, workload, "the hook reads neither Secrets nor values"),
        secret=_secret(settings, stuck, name),
        deployment=deployment,
        pods=(pod,),
        wanted=wanted,
    )
    return all_parts(observation)


def _secret(settings: HookSettings, stuck: Stuck, name: str) -> PullSecret:
    """Return the pod's first pull secret, with the registry's answer in the node's message."""
    registry, said = settings.image.registry, stuck.container.waiting_message
    stage, code = ("token", "") if REJECTED.search(said) else ("registry", "denied")
    met = Probe(stage, httpx.codes.FORBIDDEN, code, " ".join(said.split())[-_LONGEST:])
    problem = stuck.container.waiting_reason if stuck.keyring_unreadable else ""
    entry = PullSecretEntry(registry, Credential("", "unknown to the hook"), met)
    return PullSecret(
        name,
        settings.namespace,
        exists=True,
        type=DOCKER_CONFIG_JSON,
        servers=(registry,),
        problem=problem,
        entries=(entry,),
    )
