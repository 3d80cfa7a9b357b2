"""Read a world once and return the observations as frozen data."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from pullrecovery.common.errors import NotObservedError
from pullrecovery.kube.secrets import observe_pull_secrets, observe_secret
from pullrecovery.kube.wiring import given, observe_wiring
from pullrecovery.kube.workloads import observe_deployment, observe_pods
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import Observation, unobserved
from pullrecovery.model.target import Workload
from pullrecovery.observe.argocd import observe_application
from pullrecovery.observe.docs import observe_docs
from pullrecovery.observe.grant import observe_grant
from pullrecovery.observe.registry import observe_platforms, observe_wanted
from pullrecovery.observe.reuse import current_chart, current_identity
from pullrecovery.observe.workflow import observe_workflow
from pullrecovery.world.read_only import ReadOnlyWorld

T = TypeVar("T")


class Attempt(Protocol):
    """Observes one part: calls `look`, and may return NotObserved for some of its errors."""

    def __call__(self, look: Callable[[], T]) -> T | NotObserved: ...


def observe(world: ReadOnlyWorld, workload: Workload) -> Observation:
    """Observe everything that the criteria judge for `workload`."""
    identity = current_identity(world, workload.image.parsed)
    return replace(observe_pull(world, workload), identity=identity)


def observe_pull(world: ReadOnlyWorld, workload: Workload) -> Observation:
    """Observe what decides whether pods can pull; the operator's clients do not run."""
    outside = replace(
        _observe_files(world, workload, "there is no cluster"),
        wanted=observe_wanted(world, workload.image),
        platforms=observe_platforms(world),
        identity=NotObserved("the operator's clients did not run"),
    )
    return outside if world.cluster is None else observe_cluster(world, outside, _call)


def observe_written(world: ReadOnlyWorld, workload: Workload) -> Observation:
    """Observe only the target's files: its chart, its docs, and its workflow."""
    return _observe_files(world, workload, "only the target's files were read")


def _observe_files(world: ReadOnlyWorld, workload: Workload, reason: str) -> Observation:
    """Observe the target's files; all other parts are NotObserved for `reason`."""
    return replace(
        unobserved(world.target, workload, reason),
        chart=current_chart(world, workload),
        workflow=observe_workflow(world),
        run=NotObserved("the workflow was not run"),
        docs=observe_docs(world),
    )


def observe_cluster(
    world: ReadOnlyWorld, observation: Observation, attempt: Attempt
) -> Observation:
    """Add every part that is in a cluster to the observation.

    A part that follows from one that was not observed is not observed for the same reason.
    """
    workload = observation.workload
    deployment = attempt(lambda: observe_deployment(world, workload))
    pods = attempt(lambda: observe_pods(world, workload, there(deployment)))
    secret = attempt(lambda: observe_secret(world, workload))
    names = attempt(lambda: given(there(deployment), there(pods)))
    return replace(
        observation,
        secret=secret,
        deployment=deployment,
        pods=pods,
        grant=attempt(lambda: observe_grant(world, workload, there(secret))),
        pull_secrets=attempt(
            lambda: observe_pull_secrets(world, workload, there(names), there(secret))
        ),
        wiring=attempt(lambda: observe_wiring(world, workload, there(deployment))),
        application=attempt(lambda: observe_application(world, workload)),
    )


def there(part: T | NotObserved) -> T:
    """The part; raises NotObservedError with the reason if it was not observed."""
    if isinstance(part, NotObserved):
        raise NotObservedError(part.reason)
    return part


def _call(look: Callable[[], T]) -> T | NotObserved:
    return look()
