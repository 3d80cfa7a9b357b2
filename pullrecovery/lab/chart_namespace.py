"""A namespace for each release under test, and Helm with the rights of that namespace only.

A ServiceAccount applies the target's chart. The ClusterRole `admin` is bound to it in the sandbox
only, and the API server enforces the Pod Security Standard `baseline` there.
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkstemp
from typing import Any

from kubernetes import client as k8s
from ruamel.yaml import YAML

from pullrecovery.common.api_server import tolerate_existing
from pullrecovery.common.process import CommandError
from pullrecovery.common.redaction import protect
from pullrecovery.common.wait import wait_for
from pullrecovery.deploy.helm import Helm
from pullrecovery.lab.cluster.api_kinds import delete
from pullrecovery.lab.cluster.cluster_objects import apply, renamed, scopes, split, write_chart
from pullrecovery.lab.paths import LABEL, SHARED_LABEL, Paths
from pullrecovery.lab.seed import LabWorld
from pullrecovery.model.target import Workload

# Argo CD impersonates it, too: argocd_files/project.yaml contains the name.
DEPLOYER = "pull-recovery-deployer"
LEVEL = "baseline"
_RBAC = "rbac.authorization.k8s.io"
_ROLE = "admin"
_ENFORCE = "pod-security.kubernetes.io/enforce"
# Seconds. No run takes longer, and the token is void once its sandbox is deleted.
_TOKEN_LASTS = 24 * 3600
_READY_WITHIN = 30.0
# The API server's message for a kind that is not namespaced, and Helm's for an unknown kind.
_REFUSED = re.compile(r"at the cluster scope|no matches for kind")


@dataclass(frozen=True)
class ConfinedHelm(Helm):
    """Helm with the rights of a sandbox's ServiceAccount, and no others.

    Cluster-scoped objects of a chart are skipped. If they are `allowed`, the admin's `api` applies
    them under names of the sandbox's own; `applied` are their paths.
    """

    api: k8s.ApiClient = field(repr=False)
    allowed: bool
    applied: set[str] = field(default_factory=set, compare=False)

    def upgrade(
        self,
        workload: Workload,
        *,
        settings: Sequence[str] = (),
        within: int = 60,
        wait: bool = False,
        dry_run: bool = False,
    ) -> str:
        """Upgrade the release as Helm does, without the chart's cluster-scoped objects.

        The chart is rendered and split only if the API server rejects it because of them.
        """
        upgrade = partial(super().upgrade, within=within, wait=wait, dry_run=dry_run)
        try:
            return upgrade(workload, settings=settings)
        except CommandError as error:
            if not _REFUSED.search(error.output):
                raise
            text = self.template(workload, settings=settings, definitions=True)
            rendered = split(text, scopes(self.api))
            if not rendered.left_out:
                raise
        if self.allowed:
            rendered = renamed(rendered, workload.namespace)
            self.applied.update([] if dry_run else apply(self.api, rendered.left_out))
        with TemporaryDirectory() as scratch:
            return upgrade(write_chart(Path(scratch), workload, rendered.kept))


@dataclass(frozen=True)
class ChartNamespace:
    """A namespace for charts, and the Helm that may apply them there and nowhere else."""

    namespace: str
    kubeconfig: Path
    helm: ConfinedHelm

    def forget(self) -> None:
        """Delete the kubeconfig and the cluster-scoped objects.

        The token ends with the namespace.
        """
        self.kubeconfig.unlink(missing_ok=True)
        for path in self.helm.applied:
            delete(self.helm.api, path)


def make_chart_namespace(
    lab_world: LabWorld, namespace: str, *, shared: bool = False
) -> ChartNamespace:
    """Create the namespace unless it exists, and the ServiceAccount that applies charts in it.

    A shared namespace is expected to outlive its scenario.
    """
    api, paths = lab_world.cluster, lab_world.lab.paths
    core = k8s.CoreV1Api(api)
    metadata = k8s.V1ObjectMeta(name=namespace, labels=chart_namespace_labels(shared=shared))
    tolerate_existing(core.create_namespace, k8s.V1Namespace(metadata=metadata))
    _make_deployer(api, namespace)
    wait_for(
        f"ServiceAccounts default and {DEPLOYER} of {namespace} are ready",
        lambda: _has_default(core, namespace) and _may_deploy(api, namespace),
        bool,
        timeout=_READY_WITHIN,
    )
    issued = core.create_namespaced_service_account_token(
        DEPLOYER, namespace, {"spec": {"audiences": [], "expirationSeconds": _TOKEN_LASTS}}
    )
    # The last step, so that no file is left if another one fails.
    kubeconfig = _write_kubeconfig(paths, namespace, protect(issued.status.token))
    helm = lab_world.helm
    environment = {**helm.environment, "KUBECONFIG": str(kubeconfig)}
    allowed = lab_world.allow_cluster_objects
    return ChartNamespace(
        namespace, kubeconfig, ConfinedHelm(helm.binary, environment, api=api, allowed=allowed)
    )


def chart_namespace_labels(*, shared: bool = False) -> dict[str, str]:
    """Return the labels of a sandbox's namespace."""
    labels = {LABEL: "scenario", _ENFORCE: LEVEL}
    return {**labels, SHARED_LABEL: "true"} if shared else labels


def forget_chart_namespaces(paths: Paths) -> list[str]:
    """Delete the kubeconfigs of sandboxes that no longer exist; return their names."""
    left = sorted(_folder(paths).glob("*"))
    for file in left:
        file.unlink(missing_ok=True)
    return [f"kubeconfig {file.name}" for file in left]


def _make_deployer(api: k8s.ApiClient, namespace: str) -> None:
    """Create the ServiceAccount that applies charts, with `admin` rights in its namespace."""
    metadata = {"metadata": {"name": DEPLOYER}}
    core, rbac = k8s.CoreV1Api(api), k8s.RbacAuthorizationV1Api(api)
    subject = {"kind": "ServiceAccount", "name": DEPLOYER, "namespace": namespace}
    role = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": _ROLE}
    binding = {**metadata, "roleRef": role, "subjects": [subject]}
    tolerate_existing(core.create_namespaced_service_account, namespace, metadata)
    tolerate_existing(rbac.create_namespaced_role_binding, namespace, binding)


def _has_default(core: k8s.CoreV1Api, namespace: str) -> bool:
    """Return whether the ServiceAccount `default` exists, which every new pod needs."""
    names = core.list_namespaced_service_account(namespace).items
    return any(account.metadata.name == "default" for account in names)


def _may_deploy(api: k8s.ApiClient, namespace: str) -> bool:
    """Return whether the API server already applies the new RoleBinding."""
    attributes = {"namespace": namespace, "verb": "create", "resource": "secrets"}
    user = f"system:serviceaccount:{namespace}:{DEPLOYER}"
    review = {"spec": {"user": user, "resourceAttributes": attributes}}
    answer = k8s.AuthorizationV1Api(api).create_subject_access_review(review)
    return bool(answer.status.allowed)


def _write_kubeconfig(paths: Paths, namespace: str, token: str) -> Path:
    """Write a kubeconfig with mode 0600 for the lab's API server and this token."""
    lab: dict[str, Any] = YAML(typ="safe").load(paths.kubeconfig)
    cluster = {"name": "lab", "cluster": lab["clusters"][0]["cluster"]}
    context = {"cluster": "lab", "user": DEPLOYER, "namespace": namespace}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": namespace,
        "clusters": [cluster],
        "users": [{"name": DEPLOYER, "user": {"token": token}}],
        "contexts": [{"name": namespace, "context": context}],
    }
    folder = _folder(paths)
    folder.mkdir(mode=0o700, exist_ok=True)
    # mkstemp creates it with mode 0600; two scenarios may use the same namespace one after the
    # other.
    descriptor, name = mkstemp(prefix=f"{namespace}-", dir=folder)
    with os.fdopen(descriptor, "w") as file:
        # JSON is YAML, and much faster to write.
        json.dump(document, file)
    return Path(name)


def _folder(paths: Paths) -> Path:
    return paths.state / "sandboxes"
