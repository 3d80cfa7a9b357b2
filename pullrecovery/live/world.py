"""The live world: a read-only world over a user's cluster and the real GHCR."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from pullrecovery.common.errors import NotObservedError
from pullrecovery.common.variables import VariableSet, inherited
from pullrecovery.deploy.helm import HelmReader
from pullrecovery.live.clients import LiveClients
from pullrecovery.live.cluster import LiveApps, LiveCluster, LiveCore, open_cluster
from pullrecovery.live.settings import KUBECONFIG, LiveSettings
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Target, Workload
from pullrecovery.model.workflow_file import Event, WorkflowFile
from pullrecovery.model.workflow_run import Rehearsal
from pullrecovery.monorepo.actionlint import Actionlint
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.github_packages import GitHub
from pullrecovery.world.cache import Memory
from pullrecovery.world.read_only import ApplicationReads, GitHubReads, HelmReads, Rehearsals
from pullrecovery.world.world import DocsSite, EventLog

_TIMEOUT = 30.0
_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class LocalTools:
    """The tools of this machine that show what no cluster contains: the docs and the workflow.

    Each is None if this machine does not have it.
    """

    docs_site: DocsSite | None = None
    workflows: Rehearsals | None = None
    actionlint: Path | None = None


@dataclass(frozen=True)
class LiveWorld:
    """A `ReadOnlyWorld` without any call that writes; `version` is the cluster's version."""

    target: Target
    cluster: str
    version: str
    core: LiveCore
    apps: LiveApps
    registry: RegistryClient
    helm: HelmReads
    runner: LiveClients
    workflows: Rehearsals
    actionlint: Actionlint
    reader: Credential
    operator: Credential | None
    platforms: tuple[str, ...]
    github: GitHubReads = field(default_factory=GitHub)
    docs_site: DocsSite | None = None
    events: EventLog | None = None
    # Not read: no criterion judges an Application.
    argocd: ApplicationReads | None = None
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)

    @property
    def deployer(self) -> HelmReads:
        """Return the source of the deployed release that a dry run reads."""
        return self.helm


@contextmanager
def open_live_world(
    settings: LiveSettings, target: Target, local_tools: LocalTools
) -> Iterator[LiveWorld]:
    """Open the live world for the length of the block, and remove its temporary files after it.

    Raises NotObservedError if the cluster does not answer.
    """
    with (
        TemporaryDirectory(prefix="pull-recovery-") as folder,
        open_cluster(settings, Path(folder)) as cluster,
        httpx.Client(timeout=_TIMEOUT, event_hooks={"request": [_refuse_to_write]}) as http,
    ):
        yield _world(
            settings, target, local_tools, cluster, RegistryClient(target.registry, http), folder
        )


def _world(
    settings: LiveSettings,
    target: Target,
    local_tools: LocalTools,
    cluster: LiveCluster,
    registry: RegistryClient,
    folder: str,
) -> LiveWorld:
    binary = shutil.which("helm")
    environment = inherited([VariableSet.CLUSTER])
    environment |= {KUBECONFIG: settings.kubeconfig, "HELM_KUBECONTEXT": settings.context}
    environment |= {f"HELM_{name}_HOME": folder for name in ("CACHE", "CONFIG", "DATA")}
    return LiveWorld(
        target=target,
        cluster=cluster.server,
        version=cluster.version,
        core=cluster.core,
        apps=cluster.apps,
        registry=registry,
        helm=HelmReader(Path(binary), environment) if binary else _NoHelm(),
        runner=LiveClients(registry),
        workflows=local_tools.workflows or _NoRehearsals(),
        actionlint=Actionlint(local_tools.actionlint or Path("actionlint")),
        reader=settings.operator,
        operator=settings.operator,
        platforms=settings.platforms,
        docs_site=local_tools.docs_site,
    )


class _NoHelm:
    """Raises only when it is called, because only the rendered chart is unknown without Helm."""

    def template(self, *_: object, **__: object) -> str:
        raise NotObservedError("There is no `helm` on the PATH to render the chart with.")

    def manifest(self, workload: Workload) -> str:
        return self.template(workload)


class _NoRehearsals:
    def rehearse(self, target: Target, file: WorkflowFile, event: Event) -> Rehearsal:
        raise NotObservedError(
            f"{target.workflow.path} was not rehearsed for {event} ({len(file.jobs)} jobs): there"
            " is no lab on this machine with a runner to do it in; `make lab` raises one, and"
            " -m 'not reg002' leaves it out."
        )


def _refuse_to_write(request: httpx.Request) -> None:
    if request.method not in _READS:
        raise NotObservedError(f"The live world only reads; it was to send {request.method}.")
