"""The read-only world of a target: every call reads, and none writes.

`World` also has what changes things; the live world has only the parts listed here.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from pullrecovery.model.grant import TokenGrant
from pullrecovery.model.probe import Credential, Probe
from pullrecovery.model.target import Target, Workload
from pullrecovery.model.workflow_file import Event, WorkflowFile
from pullrecovery.model.workflow_run import Rehearsal
from pullrecovery.monorepo.actionlint import Actionlint
from pullrecovery.registry.github_packages import PackageVersion
from pullrecovery.world.cache import Memory
from pullrecovery.world.world import DocsSite, EventLog, Runner


class CoreReads(Protocol):
    """The calls that read the API server's core group; a list has `items`, as in the client."""

    def list_node(self) -> Any: ...

    def list_namespaced_pod(self, namespace: str, *, label_selector: str) -> Any: ...

    def list_namespaced_event(self, namespace: str, *, field_selector: str) -> Any: ...

    def list_namespaced_secret(self, namespace: str, *, field_selector: str) -> Any: ...

    def list_secret_for_all_namespaces(self, *, field_selector: str) -> Any: ...

    def read_namespaced_secret(self, name: str, namespace: str) -> Any: ...

    def read_namespaced_service_account(self, name: str, namespace: str) -> Any: ...


class AppsReads(Protocol):
    """The calls that read the API server's group `apps`."""

    def list_namespaced_deployment(self, namespace: str, *, label_selector: str) -> Any: ...

    def list_namespaced_replica_set(self, namespace: str, *, label_selector: str) -> Any: ...


class HelmReads(Protocol):
    """`helm template` and `helm get manifest`."""

    def template(
        self, workload: Workload, *, settings: Sequence[str] = (), hooks: bool = True
    ) -> str: ...

    def manifest(self, workload: Workload) -> str: ...


class RegistryReads(Protocol):
    """Requests to one registry; `registry/client.py` documents them."""

    def tags(self, package: str, credential: Credential | None) -> Probe: ...

    def manifest(self, package: str, reference: str, credential: Credential | None) -> Probe: ...

    def blobs(
        self, package: str, digests: Sequence[str], credential: Credential | None
    ) -> list[Probe]: ...

    def platforms(
        self, package: str, digest: str, credential: Credential | None
    ) -> tuple[str, ...]: ...


class PackageReads(Protocol):
    """GitHub's information about an owner's packages, and about the token that asks."""

    def token(self) -> TokenGrant: ...

    def visibility(self, package: str) -> str: ...

    def versions(self, package: str, *, deleted: bool = False) -> list[PackageVersion]: ...


class GitHubReads(Protocol):
    """GitHub's API, used with one token."""

    def packages(self, owner: str, token: str) -> PackageReads: ...


class ApplicationReads(Protocol):
    """A workload's Argo CD Application: as the target wants it, and as it is (None: missing)."""

    def application(self, workload: Workload, settings: Sequence[str] = ()) -> dict[str, Any]: ...

    def read(self, workload: Workload) -> dict[str, Any] | None: ...


class Rehearsals(Protocol):
    """The ability to run a workflow with a docker that does nothing."""

    def rehearse(self, target: Target, file: WorkflowFile, event: Event) -> Rehearsal: ...


class ReadOnlyWorld(Protocol):
    """The observable part of a world; the attributes have the meaning they have in `World`.

    `cluster` only says whether there is a cluster: `core` and `apps` send the requests to it.
    """

    @property
    def target(self) -> Target: ...

    @property
    def cluster(self) -> object: ...

    @property
    def core(self) -> CoreReads: ...

    @property
    def apps(self) -> AppsReads: ...

    @property
    def registry(self) -> RegistryReads: ...

    @property
    def helm(self) -> HelmReads: ...

    @property
    def runner(self) -> Runner: ...

    @property
    def workflows(self) -> Rehearsals: ...

    @property
    def actionlint(self) -> Actionlint: ...

    @property
    def github(self) -> GitHubReads: ...

    @property
    def reader(self) -> Credential: ...

    @property
    def operator(self) -> Credential | None: ...

    @property
    def events(self) -> EventLog | None: ...

    @property
    def platforms(self) -> tuple[str, ...]: ...

    @property
    def memory(self) -> Memory: ...

    @property
    def docs_site(self) -> DocsSite | None: ...

    @property
    def argocd(self) -> ApplicationReads | None: ...
