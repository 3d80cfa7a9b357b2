"""The live world looked at, part by part: what cannot be seen stands in nobody else's way.

A part that the API server forbids, or that nothing here can show, is put in as `Unseen`. Whatever
judges by it is told why instead, so that nothing can hold for what was never seen.
"""

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar, cast

from pullrecovery.common.errors import NotObservedError, PullRecoveryError
from pullrecovery.kube.secrets import observe_pull_secrets, observe_secret
from pullrecovery.kube.wiring import given, observe_wiring
from pullrecovery.kube.workloads import observe_deployment, observe_pods
from pullrecovery.model.observation import Observation
from pullrecovery.model.target import Workload
from pullrecovery.observe.docs import observe_docs
from pullrecovery.observe.grant import observe_grant
from pullrecovery.observe.registry import observe_wanted
from pullrecovery.observe.reuse import current_chart, current_identity
from pullrecovery.observe.workflow import observe_workflow
from pullrecovery.world.read_only import ReadOnlyWorld

T = TypeVar("T")


class Unseen:
    """Stands for a part that could not be looked at: to read anything of it raises why."""

    def __init__(self, error: PullRecoveryError) -> None:
        self.__dict__["_error"] = error

    def __getattr__(self, name: str) -> NoReturn:
        raise self.__dict__["_error"]

    def __iter__(self) -> NoReturn:
        raise self.__dict__["_error"]

    def __bool__(self) -> bool:
        raise self.__dict__["_error"]

    def __len__(self) -> int:
        raise self.__dict__["_error"]

    def __eq__(self, other: object) -> bool:
        raise self.__dict__["_error"]

    def __hash__(self) -> int:
        raise self.__dict__["_error"]


def look(world: ReadOnlyWorld, workload: Workload) -> Observation:
    """Everything that the criteria judge of `workload`, each part seen or Unseen."""
    deployment = _part(lambda: observe_deployment(world, workload))
    pods = _part(lambda: observe_pods(world, workload, deployment))
    secret = _part(lambda: observe_secret(world, workload))
    return Observation(
        target=world.target,
        workload=workload,
        chart=_part(lambda: current_chart(world, workload)),
        secret=secret,
        deployment=deployment,
        pods=pods,
        wanted=observe_wanted(world, workload.image),
        identity=_part(lambda: current_identity(world, workload.image.reference)),
        grant=_part(lambda: observe_grant(world, workload, secret)),
        workflow=_part(lambda: observe_workflow(world)),
        pull_secrets=_part(
            lambda: observe_pull_secrets(world, workload, given(deployment, pods), secret)
        ),
        wiring=_part(lambda: observe_wiring(world, workload, deployment)),
        docs=_part(lambda: _docs(world)),
    )


def _docs(world: ReadOnlyWorld) -> Any:
    if world.target.docs is not None and world.docs_site is None:
        raise NotObservedError(
            "The docs site was not built: there is no lab on this machine with a browser to look at"
            " it; `make lab` raises one, and -m 'not reg007' leaves it out."
        )
    return observe_docs(world)


def _part(see: Callable[[], T]) -> T:
    try:
        return see()
    except PullRecoveryError as error:
        return cast(T, Unseen(error))
