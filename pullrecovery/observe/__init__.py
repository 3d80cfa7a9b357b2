"""World → observations: each part looks once, and gives frozen data."""

from dataclasses import replace

from pullrecovery.model import Workload
from pullrecovery.observation import Observation
from pullrecovery.observe.cluster import observe_deployment, observe_pods
from pullrecovery.observe.docs import observe_docs
from pullrecovery.observe.grant import observe_grant
from pullrecovery.observe.reuse import current_chart, current_identity
from pullrecovery.observe.secret import observe_pull_secrets, observe_secret
from pullrecovery.observe.wiring import given, observe_wiring
from pullrecovery.world import World


def observe(world: World, workload: Workload) -> Observation:
    """Look at everything that the criteria judge of `workload`."""
    identity = current_identity(world, workload.image.reference)
    return replace(observe_pull(world, workload), identity=identity)


def observe_pull(world: World, workload: Workload) -> Observation:
    """Look at what decides whether pods get their image; the operator's clients are not asked."""
    deployment = observe_deployment(world, workload)
    pods = observe_pods(world, workload, deployment)
    secret = observe_secret(world, workload)
    package = workload.image.package
    return Observation(
        target=world.target,
        workload=workload,
        chart=current_chart(world, workload),
        secret=secret,
        deployment=deployment,
        pods=pods,
        wanted=world.registry.manifest(package, workload.image.tag, world.reader),
        identity=None,
        grant=observe_grant(world, workload, secret),
        pull_secrets=observe_pull_secrets(world, workload, given(deployment, pods), secret),
        wiring=observe_wiring(world, workload, deployment),
        docs=observe_docs(world),
    )
