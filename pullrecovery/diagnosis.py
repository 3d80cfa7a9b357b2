"""Why a pod's image is not there: what the kubelet says, held against what the registry says.

The texts are containerd's and the kubelet's; docs/diagnosis.md lists which version says what.
"""

import re
from dataclasses import dataclass

from pullrecovery.model import Cause, Verdict, fails
from pullrecovery.observation import ContainerSeen, Observation, PodSeen, Probe, SecretSeen
from pullrecovery.reference import parse_reference

WAITING_FOR_IMAGE = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
    }
)
_ANONYMOUS = re.compile(r"failed to fetch anonymous token")
_REJECTED = re.compile(r"failed to fetch oauth token.*403 Forbidden", re.DOTALL)
_FORBIDDEN = re.compile(r"/manifests/\S+: 403 Forbidden")
# A status that says "later", or no status at all: refused, timed out, not resolved, not trusted.
_UNAVAILABLE = re.compile(r": (429|5\d\d) [A-Z]|failed to do request:|dial tcp|: EOF$")
_MISSING = re.compile(r": not found")
WAIT = "wait for the registry, nothing is to be changed"
READ = "read the message; no known cause fits it"
_SCOPES = "does not match expected scopes"


@dataclass(frozen=True)
class Stuck:
    """A container that waits for its image, and its pod."""

    pod: PodSeen
    container: ContainerSeen

    @property
    def said(self) -> str:
        return f"{self.container.waiting_reason}: {self.container.waiting_message}"


def stuck_containers(pods: tuple[PodSeen, ...]) -> list[Stuck]:
    """Every container, init containers included, that waits for an image."""
    return [
        Stuck(pod, container)
        for pod in pods
        for container in pod.containers
        if container.waiting_reason in WAITING_FOR_IMAGE
    ]


def diagnose_pull(seen: Observation, stuck: Stuck) -> Verdict:
    """Name the cause of one failed pull, its evidence and the command that mends it."""
    container, wanted = stuck.container, seen.workload.image
    wrong_image = diagnose_reference(seen, container.image)
    if wrong_image and not _rendered(seen, container.image):
        return fails(
            Cause.RELEASE_STALE,
            f"{stuck.pod.name} runs {container.image}, not the wanted {wanted.reference}",
            seen.workload.upgrade_command,
        )
    if wrong_image:
        return wrong_image
    if _UNAVAILABLE.search(container.waiting_message):
        return fails(Cause.REGISTRY_UNREACHABLE, stuck.said, WAIT)
    if _ANONYMOUS.search(container.waiting_message):
        return diagnose_anonymous(seen, stuck)
    if _REJECTED.search(container.waiting_message) or _FORBIDDEN.search(container.waiting_message):
        return diagnose_credential(seen.secret) or _unknown(stuck)
    if _MISSING.search(container.waiting_message):
        return missing_image(seen, f"{container.image}: {seen.wanted}")
    return _unknown(stuck)


def missing_image(seen: Observation, evidence: str) -> Verdict:
    """The wanted reference has no manifest."""
    push = f"run the workflow that pushes {seen.workload.image.reference} (REG-002)"
    return fails(Cause.IMAGE_MISSING, evidence, push)


def diagnose_reference(seen: Observation, image: str) -> Verdict | None:
    """What is wrong with `image` by itself, or beside the wanted one; None if nothing is."""
    wanted = seen.workload.image
    parsed = parse_reference(image)
    file = seen.workload.values_file
    edit = f"set image.repository and image.tag to those of {wanted.reference} in {file}"
    if parsed.problem:
        return fails(Cause.INVALID_REFERENCE, f"{image}: {parsed.problem}", edit)
    if parsed.repository != wanted.repository:
        return fails(Cause.WRONG_REPOSITORY, f"{image} is not of {wanted.repository}", edit)
    if image != wanted.reference:
        return fails(Cause.WRONG_TAG, f"{image} is not {wanted.reference}", edit)
    return None


def diagnose_anonymous(seen: Observation, stuck: Stuck) -> Verdict:
    """The kubelet had no credential for this image: no wire, or nothing usable behind it."""
    name = seen.target.pull_secret
    if name in stuck.pod.pull_secrets:
        return diagnose_credential(seen.secret) or _unknown(stuck)
    evidence = f"{stuck.pod.name} has the pull secrets {list(stuck.pod.pull_secrets)}, not {name}"
    if is_wired(seen):
        remedy = f"kubectl -n {seen.workload.namespace} delete pod {stuck.pod.name}"
        return fails(Cause.PODS_STALE, evidence, remedy)
    return fails(Cause.NOT_WIRED, evidence, wiring_remedy(seen))


def is_wired(seen: Observation) -> bool:
    """Whether a new pod of the workload would be given the pull secret.

    The ServiceAccount's list counts only where the pod template has none of its own.
    """
    template = seen.deployment.template_pull_secrets
    return seen.target.pull_secret in (template or seen.deployment.service_account_pull_secrets)


def wiring_remedy(seen: Observation) -> str:
    """The edit and the command that wire the pull secret by the chart's values."""
    workload = seen.workload
    return (
        f"set {workload.pull_secrets_key}: [{{name: {seen.target.pull_secret}}}]"
        f" in {workload.values_file}, then {workload.upgrade_command}"
    )


def diagnose_credential(secret: SecretSeen) -> Verdict | None:
    """What is wrong with the pull secret; None if the registry accepts its credential."""
    where = f"Secret {secret.namespace}/{secret.name}"
    refresh = (
        f"kubectl -n {secret.namespace} create secret docker-registry {secret.name}"
        " --docker-server=ghcr.io … --dry-run=client -o yaml | kubectl apply -f -"
    )
    if not secret.exists:
        return fails(Cause.SECRET_MISSING, f"{where} does not exist", refresh)
    if secret.type != "kubernetes.io/dockerconfigjson":
        again = f"kubectl -n {secret.namespace} delete secret {secret.name}; {refresh}"
        return fails(Cause.SECRET_WRONG_TYPE, f"{where} is of type {secret.type}", again)
    if secret.problem:
        return fails(Cause.SECRET_UNREADABLE, f"{where}: {secret.problem}", refresh)
    if secret.credential is None:
        servers = ", ".join(secret.servers) or "no server"
        return fails(Cause.SECRET_WRONG_SERVER, f"{where} is for {servers}", refresh)
    if secret.probe is None:
        return fails(Cause.UNKNOWN, f"{where}: the registry was not asked", READ)
    return _diagnose_probe(where, secret.probe, refresh)


def _diagnose_probe(where: str, probe: Probe, refresh: str) -> Verdict | None:
    evidence = f"{where}: {probe}"
    if probe.ok or probe.missing:
        return None
    if probe.stage == "token" and probe.status == 403:
        return fails(Cause.CREDENTIAL_REJECTED, evidence, f"make a new token, then {refresh}")
    if _SCOPES in probe.message:
        scope = "give the token the scope read:packages"
        return fails(Cause.SCOPE_MISSING, evidence, f"{scope}, then {refresh}")
    if "SAML enforcement" in probe.message:
        return fails(Cause.SSO_MISSING, evidence, "authorise the token for the organisation's SSO")
    if "permission_denied" in probe.message:
        grant = "give the token's owner read access to the package"
        return fails(Cause.PERMISSION_MISSING, evidence, f"{grant} in the package's settings")
    if probe.unreachable:
        return fails(Cause.REGISTRY_UNREACHABLE, evidence, WAIT)
    return fails(Cause.UNKNOWN, evidence, READ)


def _rendered(seen: Observation, image: str) -> bool:
    return image in seen.chart.images


def _unknown(stuck: Stuck) -> Verdict:
    return fails(Cause.UNKNOWN, stuck.said, READ)
