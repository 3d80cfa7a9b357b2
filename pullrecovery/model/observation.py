"""Everything observed in one pass, as frozen data; every criterion is a function of it."""

from dataclasses import dataclass, fields
from datetime import datetime

from pullrecovery.model.application import ApplicationStatus
from pullrecovery.model.chart import RenderedChart
from pullrecovery.model.docs_site import DocsPage
from pullrecovery.model.grant import PackageGrant
from pullrecovery.model.image_reference import Reference
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.probe import CommandResult, Credential, Probe
from pullrecovery.model.target import Target, Workload
from pullrecovery.model.workflow_run import CheckedWorkflow, WorkflowRun


@dataclass(frozen=True)
class ImageIdentity:
    """The output of the operator's registry clients when asked for `reference`.

    `login` is None if the operator has no credential. `probe` is the suite's own request for the
    manifest with that credential. `parts` pairs the digest of the image configuration and of each
    layer with the suite's probe of it.
    """

    reference: Reference
    login: CommandResult | None
    inspect: CommandResult
    digest: CommandResult
    manifest: CommandResult
    config: CommandResult
    tags: CommandResult
    probe: Probe
    parts: tuple[tuple[str, Probe], ...] = ()

    @property
    def commands(self) -> tuple[CommandResult, ...]:
        """All client commands, in the order of the fields."""
        login = (self.login,) if self.login else ()
        return (*login, self.inspect, self.digest, self.manifest, self.config, self.tags)


@dataclass(frozen=True)
class PullSecretEntry:
    """An entry of a pull secret that applies to the image, and the registry's answer to it.

    An entry without a token is probed anonymously, which is how containerd uses it.
    """

    server: str
    credential: Credential
    probe: Probe

    @property
    def accepted(self) -> bool:
        """Whether the credential may read the package.

        A 404 counts: the registry answers 404 only to credentials that may read the package.
        """
        return self.probe.ok or self.probe.missing


@dataclass(frozen=True)
class PullSecret:
    """A pull secret in the workload's namespace, as the kubelet reads it.

    `servers` are the keys of its entries. `entries` are the entries that apply to the image, in the
    order in which the kubelet tries them. `problem` says why the Secret cannot be decoded.

    The other fields describe a missing target Secret: `in_namespaces` lists the namespaces that
    have a Secret of its name, `other_names` the Secrets in its own namespace with an entry for the
    image, and `unsought` why these were not searched.
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
        """The credentials that pods get for the image, each once, in the kubelet's order."""
        return tuple(dict.fromkeys(e.credential for e in self.entries if e.credential.token))


@dataclass(frozen=True)
class ContainerStatus:
    """A container or init container of a live pod; the reasons are the kubelet's.

    `ended` says how it last terminated, with the last message of the runtime or of the container
    itself; '' if it has not terminated.
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
    """One event about an object; each repetition of an event is a separate entry.

    `time` is when a watch delivered it, or `stamped` if no watch ran. `stamped` is the sender's
    time, usually in whole seconds. `field_path` names the container, as `spec.containers{web}`. A
    `combined` event replaces several messages of one kind and carries the last one.
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
    """A live pod of the release, hook pods included; its events are in order of arrival."""

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
    """The workload's Deployment; `current_replica_set` belongs to its newest pod template.

    `replica_failure` is why the API server rejects its pods, '' if it accepts them.
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
        """The pull secrets of a new pod: the account's apply only if the template names none."""
        return self.template_pull_secrets or self.service_account_pull_secrets


@dataclass(frozen=True)
class PullSecretWiring:
    """Other places that name the pull secret, searched if a new pod would not get it.

    `values_keys` are dotted keys of the values; `default_account` has the pull secrets of the
    namespace's default ServiceAccount.
    """

    values_keys: tuple[str, ...] = ()
    default_account: tuple[str, ...] = ()


@dataclass(frozen=True)
class Observation:
    """Everything that the criteria judge, observed together; each part may be NotObserved.

    `secret` is the target's pull secret; `pull_secrets` are all pull secrets of live pods, and of a
    new pod. `wanted` is the suite's own probe of the wanted image, `identity` the output of the
    operator's clients for it. `platforms` are those that need an image, as os/arch: the platforms
    of the nodes. `run` is the latest workflow run.
    """

    target: Target
    workload: Workload
    chart: RenderedChart | NotObserved
    secret: PullSecret | NotObserved
    deployment: DeploymentStatus | NotObserved
    pods: tuple[PodStatus, ...] | NotObserved
    wanted: Probe | NotObserved
    identity: ImageIdentity | NotObserved
    platforms: tuple[str, ...] | NotObserved
    grant: PackageGrant | NotObserved
    workflow: CheckedWorkflow | NotObserved
    run: WorkflowRun | NotObserved
    pull_secrets: tuple[PullSecret, ...] | NotObserved
    wiring: PullSecretWiring | NotObserved
    docs: DocsPage | NotObserved
    application: ApplicationStatus | NotObserved


def unobserved(target: Target, workload: Workload, reason: str) -> Observation:
    """An observation in which every part is NotObserved for `reason`."""
    parts = (
        field.name for field in fields(Observation) if field.name not in ("target", "workload")
    )
    return Observation(target, workload, **dict.fromkeys(parts, NotObserved(reason)))
