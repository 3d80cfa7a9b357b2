"""What brings a chart into the cluster, whatever does it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from pullrecovery.model.target import Workload


class DeployFeature(StrEnum):
    """What not every deployer can do."""

    WAIT = "wait for pods by its own word"
    ROLLBACK = "bring an earlier release back by its number"
    DRY_RUN = "ask the API server without changing anything"
    SELF_HEAL = "undo what others change"
    PRUNE = "delete what is no longer wanted"
    FOLLOW = "follow a revision and files that are named elsewhere"


class Deployer(Protocol):
    """A way to deploy. A failure is a CommandError with the deployer's words in `output`."""

    @property
    def name(self) -> str:
        """As rows and reports name it."""

    @property
    def features(self) -> frozenset[DeployFeature]:
        """What it supports of that which not all do."""

    def upgrade(self, workload: Workload, *, settings: Sequence[str] = (), within: int = 60) -> str:
        """Install or upgrade the workload as its checkout has it; returns its objects, no hooks.

        It waits for the chart's hooks, at most `within` seconds, and not for pods. `settings` are
        values that win over the files, as key=value.
        """

    def manifest(self, workload: Workload) -> str:
        """The objects that were last brought into the cluster, without hooks; '' if none."""

    def uninstall(self, workload: Workload) -> None:
        """Remove what was deployed, if anything; its pods may outlive this call."""
