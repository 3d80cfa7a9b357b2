"""Why the probe does not pull, named by the diagnosis of the suite.

The hook may read neither Secrets nor events nor ServiceAccounts. What it has is the probe pod, in
which the ServiceAccount's pull secrets were put when it was made, and the node's words; so an
observation is made of these, and the diagnosis reads it as it reads any.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx

from pullrecovery.diagnosis.credential import diagnose_credential
from pullrecovery.diagnosis.external import diagnose_words
from pullrecovery.diagnosis.image import diagnose_content
from pullrecovery.diagnosis.pull import ANONYMOUS, IMAGE_NOT_FOUND, REJECTED, is_refused
from pullrecovery.diagnosis.reference import missing_image
from pullrecovery.diagnosis.stuck import Stuck, unknown
from pullrecovery.diagnosis.wiring import diagnose_wiring
from pullrecovery.gate.hook.settings import HookSettings
from pullrecovery.model.chart import RenderedChart
from pullrecovery.model.grant import PackageGrant
from pullrecovery.model.observation import (
    DeploymentStatus,
    Observation,
    PullSecret,
    PullSecretEntry,
)
from pullrecovery.model.probe import Credential, Probe
from pullrecovery.model.target import Target, Workflow, Workload
from pullrecovery.model.verdict import Cause, Verdict
from pullrecovery.model.workflow_file import WorkflowFile
from pullrecovery.model.workflow_run import CheckedWorkflow
from pullrecovery.registry.failures import failure_in
from pullrecovery.registry.keyring import DOCKER_CONFIG_JSON

# What the hook is not told of the workload: it stands in commands for the reader to fill in.
_CHART = Path("CHART")
_KEY = "imagePullSecrets"
# A probe pod tells nothing of the workflow.
_UNSEEN = Workflow("", Path(), "", "", "")
_LONGEST = 300
# Seconds until the kubelet has tried again: its first back-off is 10, and its next look at the pod
# may come half as long again after that (imageBackOffPeriod, workerResyncIntervalJitterFactor).
SECOND_TRY = 20.0


def may_end(stuck: Stuck, seconds: float) -> bool:
    """Whether no waiting mends what has been so for so long.

    An outage may end by itself. And a kubelet that does not have a pod's Secret within a second, as
    on a busy node, asks as nobody; so where the pod names one, its second try decides.
    """
    if external_of(stuck) is not None:
        return False
    asks_anonymously = ANONYMOUS.search(stuck.container.waiting_message)
    return not (asks_anonymously and stuck.pod.pull_secrets) or seconds >= SECOND_TRY


def external_of(stuck: Stuck) -> Cause | None:
    """The cause beyond the target that the node's words tell of, if any."""
    failure = failure_in(stuck.container.waiting_message)
    return Cause(f"external.{failure}") if failure else None


def diagnose_probe(settings: HookSettings, stuck: Stuck, wanted: Probe) -> Verdict:
    """The cause of the probe's failed pull; `wanted` is the hook's own question for the image."""
    seen = _observation(settings, stuck, wanted)
    return (
        diagnose_words(seen, stuck)
        or (_diagnose_refused(settings, seen, stuck) if is_refused(stuck) else None)
        or diagnose_content(seen, stuck.container.waiting_message)
        or _diagnose_missing(seen, stuck)
        or unknown(stuck)
    )


def _diagnose_missing(observation: Observation, stuck: Stuck) -> Verdict | None:
    said = stuck.container.waiting_message
    return missing_image(observation, said) if IMAGE_NOT_FOUND.search(said) else None


def _diagnose_refused(
    settings: HookSettings, observation: Observation, stuck: Stuck
) -> Verdict | None:
    """The pod's pull secrets, as far as they are known by their effect."""
    names = stuck.pod.pull_secrets
    if stuck.keyring_unreadable or not ANONYMOUS.search(stuck.container.waiting_message):
        return diagnose_credential(observation.target, observation.secret)
    if not names:
        return diagnose_wiring(observation)
    where = f"the node asks as nobody, though the pod names {', '.join(names)}"
    evidence = (
        f"{where}: no such Secret is in {settings.namespace}, or it is of another type, or has no"
        f" entry for {settings.image.registry}"
    )
    missing = diagnose_credential(observation.target, replace(observation.secret, exists=False))
    return replace(missing, evidence=evidence) if missing else None


def _observation(settings: HookSettings, stuck: Stuck, wanted: Probe) -> Observation:
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
    return Observation(
        target=target,
        workload=workload,
        chart=RenderedChart(()),
        secret=_secret(settings, stuck, name),
        deployment=deployment,
        pods=(pod,),
        wanted=wanted,
        identity=None,
        grant=PackageGrant("", 0, datetime.now(UTC)),
        workflow=CheckedWorkflow(WorkflowFile("")),
    )


def _secret(settings: HookSettings, stuck: Stuck, name: str) -> PullSecret:
    """The pod's first pull secret, with the registry's answer that the node has met with it."""
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
