"""What a run must not leave: namespaces of scenarios, and secrets in anything it wrote."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from pullrecovery.lab.cluster import KindCluster
from pullrecovery.lab.paths import LABEL, SHARED_LABEL
from pullrecovery.wait import wait_for

_SECRET_SHAPES = (
    re.compile(rb"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    re.compile(rb"\bgithub_pat_[A-Za-z0-9_]{20,}"),
    # With its quotes as they are, as JSON within JSON has them, and as XML has them.
    re.compile(rb'auths(?:\\*"|&quot;)\s*:\s*\{'),
    re.compile(rb"eyJhdXRocyI6"),  # the same, in base64
    # What tests plant for hostile targets (fixtures/canaries.py).
    re.compile(rb"\bcanary\+[0-9a-f]{32}"),
)
SCENARIO = f"{LABEL}=scenario"
_APPLICATIONS = ("argoproj.io", "v1alpha1", "applications")


def remove_leaks(cluster: KindCluster) -> list[str]:
    """Remove every scenario's namespace and wait until they are gone.

    Before them go its Argo CD Applications, which would make the namespace anew. Returns the names
    of those that their scenario should have removed itself; namespaces with a shared, literal name
    are expected to be there.
    """
    with cluster.api() as api:
        applications = _remove_applications(api)
        core = k8s.CoreV1Api(api)
        found = core.list_namespace(label_selector=SCENARIO).items
        living = [each.metadata for each in found if each.metadata.deletion_timestamp is None]
        for metadata in living:
            core.delete_namespace(metadata.name)
        for each in found:
            # A namespace looks for its pods' end after half their grace, and again after as much.
            core.delete_collection_namespaced_pod(each.metadata.name, grace_period_seconds=0)
        wait_for(
            "the scenarios' namespaces are gone",
            lambda: [n.metadata.name for n in core.list_namespace(label_selector=SCENARIO).items],
            lambda names: not names,
            timeout=120,
            interval=0.5,
        )
    namespaces = [f"namespace {m.name}" for m in living if SHARED_LABEL not in (m.labels or {})]
    return [*applications, *namespaces]


def _remove_applications(api: k8s.ApiClient) -> list[str]:
    """Delete what scenarios deployed by, where Argo CD is installed at all."""
    custom = k8s.CustomObjectsApi(api)
    try:
        found = custom.list_cluster_custom_object(*_APPLICATIONS, label_selector=SCENARIO)["items"]
    except ApiException as error:
        if error.status != 404:
            raise
        return []
    for each in found:
        name, namespace = each["metadata"]["name"], each["metadata"]["namespace"]
        custom.delete_namespaced_custom_object(
            *_APPLICATIONS[:2], namespace, _APPLICATIONS[2], name
        )
    return [f"Application {each['metadata']['name']}" for each in found]


def find_secrets(files: Iterable[Path], texts: Mapping[str, bytes]) -> list[str]:
    """Name every file and text that holds something shaped like a token or a docker login."""
    contents = {str(file): file.read_bytes() for file in files if file.is_file()}
    return [
        f"secret in {name}"
        for name, content in {**contents, **texts}.items()
        if any(shape.search(content) for shape in _SECRET_SHAPES)
    ]
