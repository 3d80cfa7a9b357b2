"""What was seen, once, as frozen data; every criterion is a function of these."""

from dataclasses import dataclass
from datetime import datetime

from pullrecovery.model.application import ApplicationStatus
from pullrecovery.model.chart import RenderedChart
from pullrecovery.model.docs_site import DocsPage
from pullrecovery.model.grant import PackageGrant
from pullrecovery.model.probe import CommandResult, Credential, Probe
from pullrecovery.model.target import Target, Workload
from pullrecovery.model.workflow_run import CheckedWorkflow, WorkflowRun


@dataclass(frozen=True)
class ImageIdentity:
    """What the operator's clients printed when they were asked for `reference`.

    `login` is None where the operator has no credential. `probe` is the harness's own question
    for the same manifest with the same credential; `platforms` are those of the nodes, os/arch.
    `parts` pairs the digest of the configuration and of each layer with the harness's question
    for it.
    """

    reference: str
    login: CommandResult | None
    inspect: CommandResult
    digest: CommandResult
    manifest: CommandResult
    config: CommandResult
    tags: CommandResult
    probe: Probe
    platforms: tuple[str, ...]
    parts: tuple[tuple[str, Probe], ...] = ()

    @property
    def commands(self) -> tuple[CommandResult, ...]:
        """All of them, in the order in which they were run."""
        login = (self.login,) if self.login else ()
        return (*login, self.inspect, self.digest, self.manifest, self.config, self.tags)


@dataclass(frozen=True)
class PullSecretEntry:
    """An entry of a pull secret that applies to the image, and the registry's answer to it.

    Where it has no token, the registry was asked as nobody, as containerd asks then.
    """

    server: str
    credential: Credential
    probe: Probe

    @property
    def accepted(self) -> bool:
        """Whether its credential may read the package; 404 is said to those who may."""
        return self.probe.ok or self.probe.missing


@dataclass(frozen=True)
class PullSecret:
    """A pull secret in the workload's namespace, as the kubelet reads it.

    `servers` are the keys of its entries; `entries` are those that apply to the image, the one
    that the kubelet tries first in front. `problem` says why it cannot be decoded. Of the target's
    Secret, where it is missing: `in_namespaces` has one of its name, and `other_names` are Secrets
    of its own namespace with an entry for the image; `unsought` is why these were not looked for.
    """

    name: str
    namespace: str
    exists: bool
    type: str = ""
    servers: tuple[str, ...] = ()
    problem: str = ""
    entries: tuple[PullSecretEntry, ...] = ()
    in_namespaces: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    unsought: str = ""

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """What pods are given for the image, each once, as the kubelet tries them."""
        return tuple(dict.fromkeys(e.credential for e in self.entries if e.credential.token))


@dataclass(frozen=True)
class ContainerStatus:
    """A container of a live pod, init containers included; reasons are the kubelet's.

    `ended` is how it last ended, with the runtime's or its own last words; '' if it has not.
    """

    name: str
    image: str
    image_id: str
    ready: bool
    waiting_reason: str
    waiting_message: str
    init: bool = False
    ended: str = ""


@dataclass(frozen=True)
class KubeEvent:
    """One event about an object, each repetition an entry of its own.

    `time` is when a watch brought it, or `stamped` where none ran; `stamped` is the sender's
    own, in whole seconds mostly. `field_path` names the container, as `spec.containers{web}`.
    `combined` events stand for several messages of one kind, of which they bear the last.
    """

    time: datetime
    stamped: datetime
    uid: str
    reason: str
    message: str
    field_path: str = ""
    count: int = 1
    combined: bool = False

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


@dataclass(frozen=True)
class PodStatus:
    """A live pod of the release, a hook's included; its events are in the order they came in."""

    name: str
    uid: str
    replica_set: str
    created: datetime
    service_account: str
    pull_secrets: tuple[str, ...]
    ready: bool
    containers: tuple[ContainerStatus, ...]
    events: tuple[KubeEvent, ...]


@dataclass(frozen=True)
class DeploymentStatus:
    """The workload's Deployment; `current_replica_set` is that of its newest template.

    `replica_failure` is why the API server takes no pod of it, '' where it does.
    """

    exists: bool
    name: str = ""
    images: tuple[str, ...] = ()
    template_pull_secrets: tuple[str, ...] = ()
    service_account: str = "default"
    service_account_pull_secrets: tuple[str, ...] = ()
    replicas: int = 0
    observed: bool = False
    current_replica_set: str = ""
    paused: bool = False
    replica_failure: str = ""

    @property
    def pull_secrets(self) -> tuple[str, ...]:
        """Those that a new pod would be given: the account's only where the template has none."""
        return self.template_pull_secrets or self.service_account_pull_secrets


@dataclass(frozen=True)
class PullSecretWiring:
    """Where else the pull secret is named; looked for where a new pod would not be given it.

    `values_keys` are dotted keys of the values, `default_account` the pull secrets of the
    namespace's default ServiceAccount.
    """

    values_keys: tuple[str, ...] = ()
    default_account: tuple[str, ...] = ()


@dataclass(frozen=True)
class Observation:
    """Everything that the criteria judge, seen together.

    `secret` is the target's pull secret, `pull_secrets` are all those that live pods, or a new
    one, are given. `identity` is what the operator sees of the wanted reference, None where nobody
    asked them; `wanted` is the suite's own probe. `run` is the latest run of the workflow, None
    where nobody asked for one.
    `docs` is None where the target has none, `application` where Helm deploys.
    """

    target: Target
    workload: Workload
    chart: RenderedChart
    secret: PullSecret
    deployment: DeploymentStatus
    pods: tuple[PodStatus, ...]
    wanted: Probe
    identity: ImageIdentity | None
    grant: PackageGrant
    workflow: CheckedWorkflow
    pull_secrets: tuple[PullSecret, ...] = ()
    wiring: PullSecretWiring = PullSecretWiring()
    docs: DocsPage | None = None
    run: WorkflowRun | None = None
    application: ApplicationStatus | None = None
