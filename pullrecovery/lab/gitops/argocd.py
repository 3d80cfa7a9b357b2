"""Install Argo CD in the lab: its controller, repo-server and Redis, with a git server."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

import docker
from filelock import FileLock, Timeout
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from ruamel.yaml import YAML

from pullrecovery.common.api_server import tolerate_existing, tolerate_missing
from pullrecovery.common.errors import LabError
from pullrecovery.common.process import run
from pullrecovery.common.redaction import protect
from pullrecovery.common.variables import VariableSet
from pullrecovery.common.wait import WaitError, wait_for
from pullrecovery.deploy.argocd import ArgoCD
from pullrecovery.lab.cluster.api_kinds import served_kinds
from pullrecovery.lab.cluster.kind_cluster import NODE
from pullrecovery.lab.engine.containers import execute
from pullrecovery.lab.gitops.git_server import GitServer, ensure_git_server
from pullrecovery.lab.images.argocd import MANIFESTS, ArgocdImage, argocd_base
from pullrecovery.lab.paths import LABEL, NAME
from pullrecovery.lab.progress import Progress
from pullrecovery.lab.tools import toolchain
from pullrecovery.lab.tools.content_cache import key_of
from pullrecovery.lab.up import Lab
from pullrecovery.world.world import World

NAMESPACE = "argocd"
PHASE = "argocd"
_KEY = f"{LABEL}.key"
_FILES = Path(__file__).parent / "argocd_files"
_API = ("argoproj.io", "v1alpha1", NAMESPACE)
# Argo CD's custom resources, without which its controllers do not start.
_RESOURCES = ("applications", "appprojects", "applicationsets")
_SERVED_WITHIN = 60.0
# Argo CD's own default exclusions.
_BUSY = (("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice"), ("coordination.k8s.io", "Lease"))
# For two cores with other work to do.
_READY_WITHIN = 240.0
_LOADED_WITHIN = 300
# How long another run may install it: the whole build, if nothing is cached.
_OTHERS_WITHIN = 1800.0

Note = Callable[[str], None]


@dataclass(frozen=True)
class LabArgocd:
    """An installed Argo CD: its git repository, and the namespace of its Applications."""

    git: GitServer
    namespace: str = NAMESPACE


def ensure_argocd(lab: Lab, note: Note) -> LabArgocd:
    """Return the Argo CD in the lab's cluster, installing it if it is not ready.

    All that is missing is built, loaded into the node and installed. Concurrent callers wait for
    each other. Raises LabError naming what is not ready.
    """
    lock = FileLock(lab.paths.state / "argocd.lock")
    try:
        with lock.acquire(timeout=_OTHERS_WITHIN):
            return _ensure(lab, note)
    except Timeout as error:
        raise LabError(f"Argo CD is being installed by another run for too long: {lock}") from error


def argocd_deployer(lab: Lab, world: World) -> ArgoCD:
    """Return the deployer that uses the lab's Argo CD, which is installed if it is missing.

    Its objects have the scenario label, so that the leak check finds and deletes them.
    """
    installed = ensure_argocd(lab, note=lambda _: None)
    return ArgoCD(world.cluster, installed.git, world.helm, {LABEL: "scenario"})


def install_argocd(lab: Lab, progress: Progress) -> None:
    """Run `ensure_argocd` as its own phase."""
    with progress.phase(PHASE) as phase:
        ensure_argocd(lab, phase.note)


def _ensure(lab: Lab, note: Note) -> LabArgocd:
    client = lab.engine.client()
    image = ArgocdImage(lab.tools, argocd_base(lab.paths, pulled=lab.plan.pull)).build(client, note)
    git = ensure_git_server(client, image)
    # Go names a program after its directory, which is `cmd`.
    lab.runner.install(lab.tools.binary(toolchain.ARGOCD, "cmd"), "argocd")
    with lab.cluster.api() as api:
        key = key_of([image, _FILES])
        if _installed_key(api) == key and not missing(api):
            note("using the installed Argo CD again")
            return LabArgocd(git)
        _load(lab, client, image, note)
        note("installing Argo CD")
        _install(lab, api, git, image)
        _await_ready(api, note)
        _remember(api, key)
    return LabArgocd(git)


def missing(api: k8s.ApiClient) -> list[str]:
    """Return what of Argo CD is not ready; empty if all of it is."""
    apps = k8s.AppsV1Api(api)
    deployments = apps.list_namespaced_deployment(NAMESPACE).items
    sets = apps.list_namespaced_stateful_set(NAMESPACE).items
    wanted = {"argocd-redis", "argocd-repo-server", "argocd-application-controller"}
    absent = wanted - {each.metadata.name for each in (*deployments, *sets)}
    waiting = [
        f"{each.metadata.name}: {each.status.ready_replicas or 0} of {each.spec.replicas} ready"
        for each in (*deployments, *sets)
        if (each.status.ready_replicas or 0) < each.spec.replicas
        or each.status.observed_generation != each.metadata.generation
    ]
    return [*(f"{name}: not there" for name in sorted(absent)), *waiting]


def _installed_key(api: k8s.ApiClient) -> str:
    namespace = tolerate_missing(k8s.CoreV1Api(api).read_namespace, NAMESPACE)
    if namespace is None:
        return ""
    if LABEL not in (namespace.metadata.labels or {}):
        raise LabError(f"The lab's cluster has a namespace {NAMESPACE} that is not the lab's.")
    return str((namespace.metadata.annotations or {}).get(_KEY, ""))


def _load(lab: Lab, client: docker.DockerClient, image: str, note: Note) -> None:
    """Load the image into the node's containerd, unless containerd has it."""
    images = ["ctr", "-n", "k8s.io", "images", "ls", "-q", f"name==docker.io/{image}"]
    if image in execute(client.containers.get(NODE), images).said:
        return
    note("loading the image of Argo CD into the node")
    kind = str(lab.tools.binary(toolchain.KIND))
    command = [kind, "load", "docker-image", image, "--name", NAME]
    run(command, env=lab.environment, inherit=[VariableSet.DOCKER], timeout=_LOADED_WITHIN)


def _install(lab: Lab, api: k8s.ApiClient, git: GitServer, image: str) -> None:
    """Apply Argo CD's own manifests, changed by kustomization.yaml, with server-side apply."""
    _make_namespace(api)
    _make_secrets(api)
    apply = ["kubectl", "apply", "--server-side", "--force-conflicts"]
    with TemporaryDirectory(dir=lab.paths.state) as scratch:
        folder = Path(scratch)
        (folder / "core-install.yaml").write_bytes(git.file(MANIFESTS))
        repository, _, tag = image.partition(":")
        kustomization = Template((_FILES / "kustomization.yaml").read_text())
        text = kustomization.substitute(
            repository=repository, tag=tag, left_out=json.dumps(_left_out(api))
        )
        (folder / "kustomization.yaml").write_text(text)
        run([*apply, "--kustomize", str(folder)], env=lab.environment, timeout=180)
    _make_project(k8s.CustomObjectsApi(api))


def _make_project(api: k8s.CustomObjectsApi) -> None:
    """Apply the default project, once the API server serves Argo CD's custom resources.

    At first a CustomResourceDefinition has no conditions, which makes `kubectl wait` fail. An
    established one may not be served yet.
    """
    try:
        wait_for(
            "the API server serves Argo CD's resources",
            lambda: [name for name in _RESOURCES if not _is_served(api, name)],
            lambda unserved: not unserved,
            timeout=_SERVED_WITHIN,
        )
    except WaitError as error:
        raise LabError(str(error)) from error
    project = YAML(typ="safe").load(_FILES / "project.yaml")
    api.patch_namespaced_custom_object(
        *_API,
        "appprojects",
        project["metadata"]["name"],
        project,
        field_manager=NAME,
        force=True,
        _content_type="application/apply-patch+yaml",
    )


def _is_served(api: k8s.CustomObjectsApi, resource: str) -> bool:
    try:
        api.list_namespaced_custom_object(*_API, resource, limit=1)
    except ApiException as error:
        # 404 before it is served; 503 while its storage is created.
        if error.status not in (404, 503):
            raise
        return False
    return True


def _left_out(api: k8s.ApiClient) -> str:
    """Return Argo CD's setting `resource.exclusions`.

    It lists every cluster-scoped kind, and kinds whose objects change often.
    """
    wide = [each for each in served_kinds(api) if not each.namespaced]
    kinds = [*_BUSY, *((each.group, each.kind) for each in wide)]
    return json.dumps([{"apiGroups": [group], "kinds": [kind]} for group, kind in kinds])


def _make_namespace(api: k8s.ApiClient) -> None:
    metadata = k8s.V1ObjectMeta(name=NAMESPACE, labels={LABEL: "argocd"})
    namespace = k8s.V1Namespace(metadata=metadata)
    tolerate_existing(k8s.CoreV1Api(api).create_namespace, namespace)


def _make_secrets(api: k8s.ApiClient) -> None:
    """Create the Secrets of Argo CD's first start, so that no pod waits for them."""
    core = k8s.CoreV1Api(api)
    labels = {"app.kubernetes.io/part-of": "argocd", LABEL: "argocd"}
    for name, field in (("argocd-redis", "auth"), ("argocd-secret", "server.secretkey")):
        metadata = k8s.V1ObjectMeta(name=name, labels=labels)
        value = {field: protect(secrets.token_urlsafe(32))}
        body = k8s.V1Secret(metadata=metadata, string_data=value)
        tolerate_existing(core.create_namespaced_secret, NAMESPACE, body)


def _await_ready(api: k8s.ApiClient, note: Note) -> None:
    note("waiting until Argo CD is ready")
    try:
        wait_for(
            "Argo CD is ready",
            lambda: missing(api),
            lambda left: not left,
            describe="; ".join,
            timeout=_READY_WITHIN,
            interval=0.5,
        )
    except WaitError as error:
        raise LabError(str(error)) from error


def _remember(api: k8s.ApiClient, key: str) -> None:
    """Record the key after the installation, so that an interrupted installation is repeated."""
    body = {"metadata": {"annotations": {_KEY: key}}}
    k8s.CoreV1Api(api).patch_namespace(NAMESPACE, body)
