"""Where a target is looked at: the lab or a live cluster, as a few parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from kubernetes import client as k8s

from pullrecovery.deploy.argocd import ArgoCD
from pullrecovery.deploy.deployer import Deployer
from pullrecovery.deploy.helm import Helm
from pullrecovery.model.docs_site import DocsBuild
from pullrecovery.model.observation import KubeEvent
from pullrecovery.model.probe import CommandResult, Credential
from pullrecovery.model.target import Docs, Target
from pullrecovery.model.workflow_file import Event, WorkflowFile
from pullrecovery.model.workflow_run import Rehearsal, WorkflowEvent
from pullrecovery.monorepo.actionlint import Actionlint
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.github_packages import GitHub
from pullrecovery.world.cache import Memory


@dataclass(frozen=True)
class RegistryPull:
    """One manifest that a container runtime was given; `credential` names who asked."""

    time: datetime
    identity: str
    credential: str
    repository: str
    digest: str


class EventLog(Protocol):
    """Events recorded from before the pods existed."""

    def of(self, uid: str) -> tuple[KubeEvent, ...]:
        """Everything that was said about the object with this UID, in the order it came."""


class Runner(Protocol):
    """A machine with docker, crane, jq and the like, on which the operator's commands run."""

    def run(
        self,
        commands: Sequence[str],
        *,
        first: Sequence[str] = (),
        credential: Credential | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> tuple[CommandResult, ...]:
        """Run `first` (shell text) in turn, then `commands` side by side; no login is known.

        They are started in a folder that holds `files` (relative path → content); the token of
        `credential` is in the file that $TOKEN_FILE names. Returns one entry for
        each, in the order in which they were given.
        """


class DocsSite(Protocol):
    """Where a docs site can be built, and looked at in a browser."""

    def look(self, docs: Docs) -> DocsBuild:
        """Build the site and look at it; the same files are built once."""


class WorkflowRunner(Protocol):
    """Where the target's workflow runs."""

    def rehearse(self, target: Target, file: WorkflowFile, event: Event) -> Rehearsal:
        """Run `file` as the target's workflow, with a docker that does nothing; cheap, seconds."""

    def play(
        self, target: Target, file: WorkflowFile, event: Event, level: str, entry: str = ""
    ) -> WorkflowEvent:
        """Run it for `event`, with a token that may do `level` with packages; returns its end.

        `entry`, as `key:value`: of jobs whose matrix has it, that entry alone.
        """


@dataclass(frozen=True)
class World:
    """A target's surroundings: its cluster, registry and GitHub, Helm, a runner, who looks at them.

    `reader` is the credential that the suite itself asks registry and GitHub with. `operator`
    is the one that the person at the runner has, which is judged; None where they have none.
    Without `events`, the events that the API server still has are taken. `cluster` is a client of
    the API server, None where there is no cluster; `platforms` are those that images are wanted
    for, os/arch each, where the nodes are not asked.
    Where `argocd` is there, it is what deploys, and Helm only renders.
    """

    target: Target
    cluster: Any
    registry: RegistryClient
    helm: Helm
    runner: Runner
    workflows: WorkflowRunner
    actionlint: Actionlint
    reader: Credential
    operator: Credential | None
    events: EventLog | None = None
    platforms: tuple[str, ...] = ()
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)
    docs_site: DocsSite | None = None
    github: GitHub = field(default_factory=GitHub)
    argocd: ArgoCD | None = None

    @property
    def deployer(self) -> Deployer:
        """What brings charts into the cluster here."""
        return self.argocd or self.helm

    @property
    def core(self) -> k8s.CoreV1Api:
        return k8s.CoreV1Api(self.cluster)

    @property
    def apps(self) -> k8s.AppsV1Api:
        return k8s.AppsV1Api(self.cluster)
