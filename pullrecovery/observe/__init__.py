"""Read a world once and return the observations as frozen data."""

from dataclasses import replace
from datetime import UTC, datetime

from pullrecovery.kube.secrets import observe_pull_secrets, observe_secret
from pullrecovery.kube.wiring import given, observe_wiring
from pullrecovery.kube.workloads import observe_deployment, observe_pods
from pullrecovery.model.grant import PackageGrant
from pullrecovery.model.observation import DeploymentStatus, Observation, PullSecret
from pullrecovery.model.probe import Probe
from pullrecovery.model.target import Workload
from pullrecovery.observe.argocd import observe_application
from pullrecovery.observe.docs import observe_docs
from pullrecovery.observe.grant import observe_grant
from pullrecovery.observe.registry import observe_wanted
from pullrecovery.observe.reuse import current_chart, current_identity
from pullrecovery.observe.workflow import observe_workflow
from pullrecovery.world.read_only import ReadOnlyWorld


def observe(world: ReadOnlyWorld, workload: Workload) -> Observation:
    """Observe everything that the criteria judge for `workload`."""
    identity = current_identity(world, workload.image.parsed)
    return replace(observe_pull(world, workload), identity=identity)


def observe_pull(world: ReadOnlyWorld, workload: Workload) -> Observation:
    """Observe what decides whether pods can pull; the operator's clients do not run."""
    if world.cluster is None:
        return _observe_outside(world, workload)
    deployment = observe_deployment(world, workload)
    pods = observe_pods(world, workload, deployment)
    secret = observe_secret(world, workload)
    return Observation(
        target=world.target,
        workload=workload,
        chart=current_chart(world, workload),
        secret=secret,
        deployment=deployment,
        pods=pods,
        wanted=observe_wanted(world, workload.image),
        identity=None,
        grant=observe_grant(world, workload, secret),
        workflow=observe_workflow(world),
        pull_secrets=observe_pull_secrets(world, workload, given(deployment, pods), secret),
        wiring=observe_wiring(world, workload, deployment),
        docs=observe_docs(world),
        application=observe_application(world, workload),
    )


def observe_written(world: ReadOnlyWorld, workload: Workload) -> Observation:
    """Observe only the target's files; all other parts of the observation are empty."""
    return Observation(
        target=world.target,
        workload=workload,
        chart=current_chart(world, workload),
        secret=PullSecret(world.target.pull_secret, workload.namespace, exists=False),
        deployment=DeploymentStatus(exists=False),
        pods=(),
        wanted=Probe("network", 0),
        identity=None,
        grant=PackageGrant("", 0, datetime.now(UTC)),
        workflow=observe_workflow(world),
        docs=observe_docs(world),
    )


def _observe_outside(world: ReadOnlyWorld, workload: Workload) -> Observation:
    """Observe what needs no cluster; the parts in a cluster stay empty and are not judged."""
    wanted = observe_wanted(world, workload.image)
    return replace(observe_written(world, workload), wanted=wanted)
