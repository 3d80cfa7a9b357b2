"""The world of a target, the lab or a live cluster, as a few replaceable parts."""

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
    """One manifest that a container runtime pulled; `credential` names the account that asked."""

    time: datetime
    identity: str
    credential: str
    repository: str
    digest: str


class EventLog(Protocol):
    """Events recorded from before the pods existed."""

    def of(self, uid: str) -> tuple[KubeEvent, ...]:
        """Every event about the object with this UID, in order of arrival."""


class Runner(Protocol):
    """A machine with docker, crane, jq and similar tools that runs the operator's commands."""

    def run(
        self,
        commands: Sequence[str],
        *,
        first: Sequence[str] = (),
        credential: Credential | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> tuple[CommandResult, ...]:
        """Run `first` (shell text) in sequence, then `commands` in parallel; no login is stored.

        The commands start in a directory with `files` (relative path → content). The file that
        $TOKEN_FILE names contains the token of `credential`. Returns one result for each command,
        in the given order.
        """


class DocsSite(Protocol):
    """Builds a docs site, and opens it in a browser."""

    def look(self, docs: Docs) -> DocsBuild:
        """Build the site and open it in a browser; unchanged files are built once."""


class WorkflowRunner(Protocol):
    """Runs the target's workflow."""

    def rehearse(self, target: Target, file: WorkflowFile, event: Event) -> Rehearsal:
        """Run `file` as the target's workflow with a docker that does nothing; takes seconds."""

    def play(
        self, target: Target, file: WorkflowFile, event: Event, level: str, entry: str = ""
    ) -> WorkflowEvent:
        """Run the workflow for `event`; its token has access `level` to packages.

        `entry`, as `key:value`, limits the jobs whose matrix has it to that entry. Returns the
        result.
        """


@dataclass(frozen=True)
class World:
    """The world of a target: cluster, registry, GitHub, Helm, a runner, and credentials.

    `reader` is the credential that the suite itself uses at the registry and at GitHub. `operator`
    is the credential of the user at the runner, which the criteria judge; None if there is none.
    Without `events`, the suite reads the events that the API server still has. `cluster` is a
    client of the API server, None if there is no cluster. `platforms` are the platforms that need
    images, as os/arch, if the nodes are not asked. If `argocd` is set, Argo CD deploys and Helm
    only renders.
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
        """The deployer that installs charts in this world."""
        return self.argocd or self.helm

    @property
    def core(self) -> k8s.CoreV1Api:
        return k8s.CoreV1Api(self.cluster)

    @property
    def apps(self) -> k8s.AppsV1Api:
        return k8s.AppsV1Api(self.cluster)
