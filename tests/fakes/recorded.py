"""Recorded observations: one of a healthy workload, and variants that are broken.

The kubelet's messages are those of Kubernetes 1.37.2 with containerd 2.3.4. Containerd 2.1 has the
same messages, but for a 403 on a manifest, where it omits the registry's answer.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pullrecovery.common.suite_files import SUITE_ROOT as PROJECT
from pullrecovery.model.chart import RenderedChart
from pullrecovery.model.docs_site import DocsBuild, DocsPage, Section, WebPage
from pullrecovery.model.grant import PackageGrant, TokenGrant
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import (
    ContainerStatus,
    DeploymentStatus,
    KubeEvent,
    Observation,
    PodStatus,
    PullSecret,
    PullSecretEntry,
    PullSecretWiring,
)
from pullrecovery.model.probe import Credential, Probe, RegistryFailure
from pullrecovery.model.target import Docs, Image, Target, Visibility, Workflow, Workload
from pullrecovery.model.workflow_file import WorkflowFile
from pullrecovery.model.workflow_run import CheckedWorkflow, DockerCall, Rehearsal
from tests.fakes import printed

TOKEN = "ghp_" + "S3nt1nel" * 4 + "A1b2"
REPOSITORY = "ghcr.io/bytequester/hosting-monorepo"
TAG = "c6cd88ef7de43520f6e95fcb87e6f2452b45edd4"
REFERENCE = f"{REPOSITORY}:{TAG}"
DIGEST = printed.DIGEST
OTHER_DIGEST = "sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
TYPO = "ghcr.io/bytequester/hosting-monorepo-typo"
CAPITALS = "ghcr.io/ByteQuester/hosting-monorepo"

_FAILED = 'failed to pull and unpack image "{0}": failed to resolve reference "{0}": '
_TOKEN_URL = (
    "https://ghcr.io/token?scope=repository%3Abytequester%2Fhosting-monorepo%3Apull&service=ghcr.io"
)
_MANIFEST_URL = f"https://ghcr.io/v2/bytequester/hosting-monorepo/manifests/{TAG}"

ANONYMOUS = (
    _FAILED.format(REFERENCE) + "failed to authorize: failed to fetch anonymous token: "
    f"unexpected status from GET request to {_TOKEN_URL}: 401 Unauthorized"
)
REJECTED = (
    _FAILED.format(REFERENCE) + "failed to authorize: failed to fetch oauth token: "
    f"unexpected status from GET request to {_TOKEN_URL}: 403 Forbidden"
)
FORBIDDEN_2_1 = (
    _FAILED.format(REFERENCE)
    + f"unexpected status from HEAD request to {_MANIFEST_URL}: 403 Forbidden"
)
NO_SCOPE = (
    f"{FORBIDDEN_2_1}\n"
    "denied: permission_denied: The token provided does not match expected scopes."
)
NO_SSO = (
    f"{FORBIDDEN_2_1}\n"
    "denied: permission_denied: Resource protected by organization SAML enforcement. You must"
    " grant your Personal Access token access to this organization."
)
NO_CLASSIC = (
    f"{FORBIDDEN_2_1}\n"
    "denied: permission_denied: `bytequester` forbids access via a personal access token (classic)."
    " Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions."
)
NO_READ = f"{FORBIDDEN_2_1}\ndenied: permission_denied: read_package"
NOT_BASE64 = "illegal base64 data at input byte 3"
NO_COLON = "unable to parse auth field, must be formatted as base64(username:password)"
TWO_REFUSED = f"[{NO_SCOPE}, {REJECTED}]"
MUST_BE_LOWER_CASE = (
    f'Failed to apply default image tag "{CAPITALS}:{TAG}": '
    f'couldn\'t parse image name "{CAPITALS}:{TAG}": invalid reference format: '
    "repository name (ByteQuester/hosting-monorepo) must be lowercase"
)

TAG_TWICE = f"{REPOSITORY}:latest:{TAG}"
TAG_IN_REPOSITORY = (
    f'Failed to apply default image tag "{TAG_TWICE}": '
    f'couldn\'t parse image name "{TAG_TWICE}": invalid reference format'
)
LOCAL = f"localhost:5000/bytequester/hosting-monorepo:{TAG}"
NOBODY_LISTENS = (
    _FAILED.format(LOCAL) + "failed to do request: "
    f'Head "http://localhost:5000/v2/bytequester/hosting-monorepo/manifests/{TAG}": '
    "dial tcp 127.0.0.1:5000: connect: connection refused"
)
_UNPACK = f'failed to pull and unpack image "{REFERENCE}": '
NO_PLATFORM = (
    f"rpc error: code = NotFound desc = {_UNPACK}no match for platform in manifest: not found"
)
OTHER_BYTES = (
    f"rpc error: code = FailedPrecondition desc = {_UNPACK}failed commit on ref "
    f'"manifest-{DIGEST}": unexpected commit digest {OTHER_DIGEST}, expected {DIGEST}: '
    "failed precondition"
)
NO_PART = (
    f"rpc error: code = NotFound desc = {_UNPACK}failed to copy: httpReadSeeker: failed open: "
    f"could not fetch content descriptor {OTHER_DIGEST} "
    "(application/vnd.docker.image.rootfs.diff.tar.gzip) from remote: not found"
)
NEVER_PULLED = f'Container image "{REFERENCE}" is not present with pull policy of Never'
# Messages of Helm and of the API server.
_SCHEMA = (
    "Error: UPGRADE FAILED: values don't meet the specifications of the schema(s) in the"
    " following chart(s):\nfrontend:\n- at "
)
TAG_A_NUMBER = f"{_SCHEMA}'/image/tag': got number, want string"
REPOSITORY_EMPTY = f"{_SCHEMA}'/image/repository': minLength: got 0, want 1"
TRAILING_BLANK = (
    'Pod "frontend-6d5f8c7b9-x2v4q" is invalid: spec.containers[0].image: Invalid value: '
    f'"{REFERENCE} ": must not have leading or trailing whitespace'
)

ACCEPTED = Probe("registry", 200, digest=DIGEST)
NO_TAG = Probe("registry", 404, "MANIFEST_UNKNOWN", "manifest unknown")
BAD_TOKEN = Probe("token", 403, "DENIED", "denied")
ANONYMOUS_PROBE = Probe("token", 401, "UNAUTHORIZED", "authentication required")
SCOPE_DENIED = Probe(
    "registry",
    403,
    "DENIED",
    "permission_denied: The token provided does not match expected scopes.",
)
SSO_DENIED = Probe("registry", 403, "DENIED", NO_SSO.partition("\ndenied: ")[2])
CLASSIC_DENIED = Probe("registry", 403, "DENIED", NO_CLASSIC.partition("\ndenied: ")[2])
READ_DENIED = Probe("registry", 403, "DENIED", "permission_denied: read_package")
OUTAGE = Probe(
    "network", 0, "ConnectError", "[Errno 111] Connection refused", cut=RegistryFailure.REFUSED
)

WORKFLOW = WorkflowFile((PROJECT / "sample/.github/workflows/ci.yml").read_text())
COMMIT = "92e97c692cf08a96b0bf3f6b4247c0309a586d7a"
REHEARSAL = Rehearsal(
    COMMIT,
    (
        DockerCall("images", 2, ("login", "ghcr.io", "-u", "ByteQuester", "--password-stdin")),
        DockerCall("images", 3, ("build", "--pull", "--tag", f"{REPOSITORY}:{COMMIT}", "apps")),
        DockerCall("images", 4, ("push", f"{REPOSITORY}:{COMMIT}")),
        DockerCall("images", 5, ("tag", f"{REPOSITORY}:{COMMIT}", f"{REPOSITORY}:latest")),
        DockerCall("images", 5, ("push", f"{REPOSITORY}:latest")),
    ),
)

_WORKLOAD = Workload(
    name="frontend",
    chart=Path("/target/charts/frontend"),
    values=(Path("/target/charts/frontend/values-dev.yaml"),),
    namespace="frontend-dev",
    image=Image(REPOSITORY, TAG),
    pull_secrets_key="serviceAccount.imagePullSecrets",
    app=Path("/target/apps/frontend"),
    root=Path("/target"),
)
_UID = "0b0f4b6e-2f2c-4a52-9d5c-9a3f2b7c1d11"
_PULLED = datetime(2026, 11, 24, 3, 20, 49, tzinfo=UTC)


def event(reason: str, message: str, container: str = "web") -> KubeEvent:
    """Return an event of a watch about a container of the recorded pod."""
    return KubeEvent(_PULLED, _PULLED, _UID, reason, message, f"spec.containers{{{container}}}")


_POD = PodStatus(
    name="frontend-6d5f8c7b9-x2v4q",
    uid=_UID,
    replica_set="6d5f8c7b9",
    created=datetime(2026, 11, 24, 3, 20, 48, tzinfo=UTC),
    service_account="frontend",
    pull_secrets=("ghcr-credentials",),
    ready=True,
    containers=(ContainerStatus("web", REFERENCE, f"{REPOSITORY}@{DIGEST}", True, "", ""),),
    events=(event("Pulled", f'Successfully pulled image "{REFERENCE}" in 71ms'),),
)

_DOCS = Docs(
    folder=Path("/target/docs"),
    page=Path("/target/docs/docs/registry-auth.md"),
    referring=(Path("/target/docs/docs/onboarding.md"),),
)
_ABOUT = "Two lines that say what there is to say about this, and what to do where it is not so."
_SITE = DocsBuild(
    path="/registry-auth",
    sidebar="docs",
    page=WebPage(
        title="Registry authentication",
        text="\n".join([REPOSITORY, *[_ABOUT] * 4]),
        sections=tuple(
            Section(2, "", title, _ABOUT)
            for title in ("How CI names images", "Tags", "The pull secret", "Case sensitivity")
        ),
        menu=("/", "/registry-auth"),
        rows=(("Image", "Chart"), (REPOSITORY, "charts/frontend")),
        code=("kubectl get secret ghcr-credentials",),
    ),
    referring={"/": "/registry-auth"},
)
GOOD = Observation(
    target=Target(
        name="hosting-monorepo",
        root=Path("/target"),
        registry="ghcr.io",
        owner="bytequester",
        login="ByteQuester",
        pull_secret="ghcr-credentials",
        privilege_required=True,
        workloads=(_WORKLOAD,),
        docs=_DOCS,
        workflow=Workflow(
            path=".github/workflows/ci.yml",
            file=Path("/target/.github/workflows/ci.yml"),
            repository="ByteQuester/hosting-monorepo",
            branch="main",
            change="apps/frontend",
            release="v1.0.0",
            dispatch=True,
        ),
    ),
    workload=_WORKLOAD,
    chart=RenderedChart((REFERENCE,)),
    secret=PullSecret(
        name="ghcr-credentials",
        namespace="frontend-dev",
        exists=True,
        type="kubernetes.io/dockerconfigjson",
        servers=("ghcr.io",),
        entries=(PullSecretEntry("ghcr.io", Credential("ByteQuester", TOKEN), ACCEPTED),),
    ),
    deployment=DeploymentStatus(
        exists=True,
        name="frontend",
        images=(REFERENCE,),
        service_account="frontend",
        service_account_pull_secrets=("ghcr-credentials",),
        replicas=1,
        observed=True,
        current_replica_set="6d5f8c7b9",
    ),
    pods=(_POD,),
    wanted=ACCEPTED,
    identity=printed.good(),
    platforms=("linux/amd64",),
    grant=PackageGrant(
        visibility="private",
        status=200,
        at=datetime(2026, 11, 24, 3, 21, tzinfo=UTC),
        tokens=(TokenGrant(200, frozenset({"read:packages"})),),
    ),
    docs=DocsPage("", _SITE),
    workflow=CheckedWorkflow(WORKFLOW, rehearsal=REHEARSAL),
    run=NotObserved("the workflow was not run"),
    pull_secrets=(),
    wiring=PullSecretWiring(),
    application=NotObserved("Helm deploys frontend"),
)
GOOD = replace(GOOD, pull_secrets=(GOOD.secret,))


def grant(observation: Observation = GOOD, **changes: Any) -> Observation:
    """Return the observation with another grant."""
    return replace(observation, grant=replace(observation.grant, **changes))


def token(observation: Observation = GOOD, **changes: Any) -> Observation:
    """Return the observation with another token in the Secret."""
    return grant(observation, tokens=(replace(observation.grant.tokens[0], **changes),))


def public(observation: Observation = GOOD) -> Observation:
    """Return the observation of a workload whose package is public, and that has no Secret."""
    unwired_pod = pod(deployment(observation, service_account_pull_secrets=()), pull_secrets=())
    none = PullSecret("ghcr-credentials", "frontend-dev", exists=False)
    workload = replace(observation.workload, visibility=Visibility.PUBLIC)
    told = replace(observation.grant, visibility="public", tokens=(), anonymous=ACCEPTED)
    return replace(unwired_pod, workload=workload, secret=none, pull_secrets=(), grant=told)


def not_found(reference: str) -> str:
    """Return containerd's message for a missing tag or repository."""
    return f"rpc error: code = NotFound desc = {_FAILED.format(reference)}{reference}: not found"


def secret(observation: Observation = GOOD, **changes: Any) -> Observation:
    """Return the observation with another Secret, which the pods reference."""
    changed = replace(observation.secret, **changes)
    return replace(observation, secret=changed, pull_secrets=(changed,))


def answered(*probes: Probe, observation: Observation = GOOD) -> Observation:
    """Return the observation of a Secret with an entry for each of these answers."""
    credential = Credential("ByteQuester", TOKEN)
    return secret(
        observation,
        entries=tuple(PullSecretEntry("ghcr.io", credential, probe) for probe in probes),
    )


def no_secret(observation: Observation = GOOD, **found: Any) -> Observation:
    """Return the observation of a namespace without the Secret; `found` are Secrets elsewhere."""
    missing = PullSecret("ghcr-credentials", "frontend-dev", exists=False, **found)
    return replace(observation, secret=missing, pull_secrets=(missing,))


def wrong_server(observation: Observation = GOOD) -> Observation:
    """Return the observation of a Secret whose key the kubelet does not match."""
    return secret(observation, servers=("ghcr.io:443",), entries=())


def deployment(observation: Observation = GOOD, **changes: Any) -> Observation:
    """Return the observation with another Deployment or ServiceAccount."""
    return replace(observation, deployment=replace(observation.deployment, **changes))


def rendered(*images: str, error: str = "") -> Observation:
    """Return the observation of a chart that renders `images`, or fails with `error`."""
    return replace(GOOD, chart=RenderedChart(images, error))


def pod(observation: Observation = GOOD, **changes: Any) -> Observation:
    """Return the observation with its only pod changed."""
    return replace(observation, pods=(replace(observation.pods[0], **changes),))


def running(observation: Observation = GOOD, **changes: Any) -> Observation:
    """Return the observation with the container of its only pod changed."""
    return pod(observation, containers=(replace(observation.pods[0].containers[0], **changes),))


def waiting(
    message: str,
    observation: Observation = GOOD,
    image: str = REFERENCE,
    reason: str = "ErrImagePull",
) -> Observation:
    """Return the observation with its only pod waiting for `image`."""
    said = {"waiting_reason": reason, "waiting_message": message}
    stuck = running(observation, image=image, image_id="", ready=False, **said)
    return pod(deployment(stuck, images=(image,)), ready=False)


def backing_off(message: str, observation: Observation = GOOD) -> Observation:
    """Return the observation of the kubelet's next sync: the same message, in back-off."""
    said = f'Back-off pulling image "{REFERENCE}": ErrImagePull: {message}'
    return waiting(said, observation, reason="ImagePullBackOff")


def undecoded(error: str, observation: Observation = GOOD) -> Observation:
    """Return the observation of a pod with a Secret that the kubelet cannot decode."""
    return waiting(error, observation, reason=error)


def ended(how: str, observation: Observation = GOOD) -> Observation:
    """Return the observation of a container that exits as soon as it is started."""
    return pod(running(observation, ready=False, ended=how), ready=False)


def beside_an_old_pod(observation: Observation) -> Observation:
    """Return the observation with a pod of the previous template, which serves."""
    old = replace(GOOD.pods[0], name="frontend-5b4-old", replica_set="5b4")
    return replace(observation, pods=(old, *observation.pods))


def in_init(reason: str, observation: Observation = GOOD) -> Observation:
    """Return the observation of a pod whose init container, of a good image, does not end."""
    server = observation.pods[0].containers[0]
    init = replace(server, name="prepare", init=True, ready=False, waiting_reason=reason)
    waits = replace(server, ready=False, image_id="", waiting_reason="PodInitializing")
    return pod(observation, containers=(init, waits), ready=False)


def unwired(observation: Observation = GOOD) -> Observation:
    """Return the observation of a workload whose pods reference no Secret."""
    return pod(deployment(observation, service_account_pull_secrets=()), pull_secrets=())


def misrendered(image: str, message: str, reason: str = "ErrImagePull") -> Observation:
    """Return the observation of values that name `image`, rendered and deployed."""
    return waiting(message, rendered(image), image, reason)
