"""The parts of an observation that a criterion declares, with their types.

A criterion declares `Observed.pods`, and its function reads `observation.pods`. Reading a part that
is not declared is an error, so every part that a criterion reads is among its declarations.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, Self, TypeVar, overload

from pullrecovery.model.application import ApplicationStatus
from pullrecovery.model.chart import RenderedChart
from pullrecovery.model.docs_site import DocsPage
from pullrecovery.model.grant import PackageGrant
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import (
    DeploymentStatus,
    ImageIdentity,
    Observation,
    PodStatus,
    PullSecret,
    PullSecretWiring,
)
from pullrecovery.model.probe import Probe
from pullrecovery.model.target import Target, Workload
from pullrecovery.model.workflow_run import CheckedWorkflow, WorkflowRun

T = TypeVar("T")


class Source(IntEnum):
    """Where a part is observed; each needs more of a lab than the one before it."""

    FILES = 1
    REGISTRY = 2
    CLUSTER = 3


class UndeclaredPartError(AttributeError):
    """A criterion read a part that it does not declare, or that it does not need."""


class Part(Generic[T]):
    """A part of an observation, of type T; `source` is where it is observed."""

    name = ""

    def __init__(self, source: Source) -> None:
        self.source = source

    def __set_name__(self, _: type, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: "Observed", owner: type) -> T: ...

    def __get__(self, instance: "Observed | None", owner: type) -> "Self | T":
        return self if instance is None else instance.needed(self)


@dataclass(frozen=True)
class Observed:
    """The observation as a criterion sees it.

    A part that the criterion `needs` is there as an attribute of its own type. A part that it
    `uses`, for a more specific cause, may be NotObserved, and is read with `optional`.
    """

    _observation: Observation
    needs: frozenset[Part[Any]]
    uses: frozenset[Part[Any]]

    chart = Part[RenderedChart](Source.FILES)
    docs = Part[DocsPage](Source.FILES)
    workflow = Part[CheckedWorkflow](Source.FILES)
    run = Part[WorkflowRun](Source.REGISTRY)
    wanted = Part[Probe](Source.REGISTRY)
    identity = Part[ImageIdentity](Source.REGISTRY)
    platforms = Part[tuple[str, ...]](Source.CLUSTER)
    secret = Part[PullSecret](Source.CLUSTER)
    pull_secrets = Part[tuple[PullSecret, ...]](Source.CLUSTER)
    grant = Part[PackageGrant](Source.CLUSTER)
    deployment = Part[DeploymentStatus](Source.CLUSTER)
    pods = Part[tuple[PodStatus, ...]](Source.CLUSTER)
    wiring = Part[PullSecretWiring](Source.CLUSTER)
    application = Part[ApplicationStatus](Source.CLUSTER)

    @property
    def target(self) -> Target:
        return self._observation.target

    @property
    def workload(self) -> Workload:
        return self._observation.workload

    def needed(self, part: Part[T]) -> T:
        """The part, of its own type; raises UndeclaredPartError unless it is needed and there."""
        value: T | NotObserved = getattr(self._observation, part.name)
        if part not in self.needs or isinstance(value, NotObserved):
            raise UndeclaredPartError(f"{part} is not among what is needed: {self.needs}")
        return value

    def optional(self, part: Part[T]) -> T | NotObserved:
        """The part, or why it was not observed; raises UndeclaredPartError if not declared."""
        if part not in self.needs | self.uses:
            raise UndeclaredPartError(f"{part} is not declared: {self.needs | self.uses}")
        value: T | NotObserved = getattr(self._observation, part.name)
        return value


def all_parts(observation: Observation) -> Observed:
    """The observation for a diagnosis outside of a criterion: every part may be read."""
    parts = frozenset(part for part in vars(Observed).values() if isinstance(part, Part))
    missing = {part for part in parts if isinstance(getattr(observation, part.name), NotObserved)}
    return Observed(observation, parts - missing, parts)
