"""The interface of everything that deploys a chart into the cluster."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from pullrecovery.model.target import Workload


class DeployFeature(StrEnum):
    """Features that only some deployers have."""

    WAIT = "wait for pods by its own word"
    ROLLBACK = "bring an earlier release back by its number"
    DRY_RUN = "ask the API server without changing anything"
    SELF_HEAL = "undo what others change"
    PRUNE = "delete what is no longer wanted"
    FOLLOW = "follow a revision and files that are named elsewhere"


class Deployer(Protocol):
    """A way to deploy; failures are CommandErrors with the deployer's message in `output`."""

    @property
    def name(self) -> str:
        """The name used in fault tables and reports."""

    @property
    def features(self) -> frozenset[DeployFeature]:
        """The optional features that this deployer supports."""

    def upgrade(self, workload: Workload, *, settings: Sequence[str] = (), within: int = 60) -> str:
        """Install or upgrade the workload from its checkout; returns its objects without hooks.

        Waits for the chart's hooks, at most `within` seconds, but not for pods. `settings` are
        values that override the files, as key=value.
        """

    def manifest(self, workload: Workload) -> str:
        """The objects of the last deployment, without hooks; '' if there was none."""

    def uninstall(self, workload: Workload) -> None:
        """Remove the deployed objects, if any; pods may outlive this call."""
