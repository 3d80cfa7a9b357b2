"""Observe the live world part by part; a part that cannot be observed does not stop the rest.

A part that the API server forbids, or that no local tool can show, becomes `Unseen`. A criterion
that reads it raises the reason, so that no criterion passes on a part that was not observed.
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
    """A part that could not be observed; reading anything of it raises the reason."""

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
    """Observe all that the criteria judge of `workload`; each part is observed or `Unseen`."""
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
        identity=_part(lambda: current_identity(world, workload.image.parsed)),
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
