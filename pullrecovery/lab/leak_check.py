"""Check that a run leaves no scenario's objects in the cluster and no secrets in its output."""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kubernetes import client as k8s

from pullrecovery.common.api_server import tolerate_missing
from pullrecovery.common.wait import wait_for
from pullrecovery.lab.chart_namespace import forget_chart_namespaces
from pullrecovery.lab.cluster.api_kinds import (
    ApiKind,
    delete,
    drop_finalizers,
    list_metadata,
    served_kinds,
)
from pullrecovery.lab.cluster.cluster_objects import RELEASED_IN
from pullrecovery.lab.cluster.kind_cluster import KindCluster
from pullrecovery.lab.paths import LABEL, SHARED_LABEL

_SECRET_SHAPES = (
    re.compile(rb"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    re.compile(rb"\bgithub_pat_[A-Za-z0-9_]{20,}"),
    # With quotes escaped, as in JSON within JSON, and as in XML.
    re.compile(rb'auths(?:\\*"|&quot;)\s*:\s*\{'),
    re.compile(rb"eyJhdXRocyI6"),  # base64 of {"auths":
    # The canaries that tests put into hostile targets (fixtures/lab/canaries.py).
    re.compile(rb"\bcanary\+[0-9a-f]{32}"),
)
SCENARIO = f"{LABEL}=scenario"
_APPLICATIONS = ("argoproj.io", "v1alpha1", "applications")
# Seconds. Kubernetes' controllers remove their own finalizers well within the first.
_HELD_AFTER = 10.0
_GONE_WITHIN = 120.0


def remove_leaks(cluster: KindCluster, say: Callable[[str], None]) -> list[str]:
    """Remove everything that scenarios left in the cluster, and wait until it is gone.

    Argo CD Applications are deleted first, because they would create their namespaces again.
    Returns the names of what a scenario should have removed itself; namespaces with a shared,
    literal name are expected. `say` gets the objects whose finalizers no controller removed.
    """
    with cluster.api() as api:
        applications = _remove_applications(api)
        core = k8s.CoreV1Api(api)
        everywhere = {each.metadata.name: each.metadata for each in core.list_namespace().items}
        found = {
            name: metadata
            for name, metadata in everywhere.items()
            if (metadata.labels or {}).get(LABEL) == "scenario"
        }
        # Before the namespaces, because a chart's webhook or APIService would block their deletion.
        others = everywhere.keys() - found.keys()
        cluster_wide = remove_cluster_wide(api, lambda namespace: namespace not in others)
        living = [each for each in found.values() if each.deletion_timestamp is None]
        for metadata in living:
            core.delete_namespace(metadata.name)
        await_gone(api, list(found), say, _HELD_AFTER)
    namespaces = [f"namespace {m.name}" for m in living if SHARED_LABEL not in (m.labels or {})]
    return [*applications, *cluster_wide, *namespaces, *forget_chart_namespaces(cluster.paths)]


def await_gone(
    api: k8s.ApiClient,
    namespaces: Sequence[str],
    say: Callable[[str], None],
    held_after: float = 0.0,
) -> None:
    """Wait until namespaces that are being deleted are gone.

    After `held_after` seconds, the finalizers of the objects left in them are removed; `say` gets
    these objects.
    """
    core, began = k8s.CoreV1Api(api), time.monotonic()
    for name in namespaces:
        # A namespace checks for its pods after half of their grace period, and again after as long.
        core.delete_collection_namespaced_pod(name, grace_period_seconds=0)

    def left() -> list[str]:
        there = {each.metadata.name for each in core.list_namespace().items}
        waiting = [name for name in namespaces if name in there]
        if waiting and time.monotonic() - began >= held_after:
            for held in _free(api, waiting):
                say(held)
        return waiting

    wait_for(
        "the scenarios' namespaces are gone",
        left,
        lambda names: not names,
        describe=", ".join,
        timeout=_GONE_WITHIN,
        interval=0.5,
    )


def _free(api: k8s.ApiClient, namespaces: Sequence[str]) -> list[str]:
    """Remove the finalizers of objects being deleted in these namespaces.

    Return a line for each.
    """
    freed = []
    for kind in _removable(api, namespaced=True):
        for namespace in namespaces:
            for metadata in list_metadata(api, kind, namespace):
                finalizers = metadata.get("finalizers")
                if not finalizers or "deletionTimestamp" not in metadata:
                    continue
                drop_finalizers(api, kind.path(namespace, metadata["name"]))
                freed.append(
                    f"removed the finalizers of {kind.kind} {namespace}/{metadata['name']},"
                    f" which held its namespace: {', '.join(finalizers)}"
                )
    return freed


def remove_cluster_wide(api: k8s.ApiClient, ends: Callable[[str], bool]) -> list[str]:
    """Delete the cluster-scoped objects of releases whose namespace `ends`; return their names."""
    removed = []
    for kind in _removable(api, namespaced=False):
        for metadata in list_metadata(api, kind):
            if not _is_left(metadata, ends):
                continue
            path = kind.path(name=metadata["name"])
            if metadata.get("finalizers"):
                drop_finalizers(api, path)
            delete(api, path)
            removed.append(f"{kind.kind} {metadata['name']}")
    return removed


def _is_left(metadata: Mapping[str, Any], ends: Callable[[str], bool]) -> bool:
    """Return whether a release for a namespace that ends, or a scenario, created the object.

    Objects that a user released into another namespace are not touched.
    """
    namespace = (metadata.get("annotations") or {}).get(RELEASED_IN, "")
    labelled = (metadata.get("labels") or {}).get(LABEL) == "scenario"
    return ends(namespace) if namespace else labelled


def _removable(api: k8s.ApiClient, *, namespaced: bool) -> list[ApiKind]:
    """Return the kinds whose objects can be listed and deleted, except namespaces."""
    return [
        kind
        for kind in served_kinds(api)
        if kind.namespaced is namespaced
        and kind.verbs >= {"list", "delete"}
        and (kind.group, kind.kind) != ("", "Namespace")
    ]


def _remove_applications(api: k8s.ApiClient) -> list[str]:
    """Delete the scenarios' Applications, if Argo CD is installed at all."""
    custom = k8s.CustomObjectsApi(api)
    listed = tolerate_missing(
        custom.list_cluster_custom_object, *_APPLICATIONS, label_selector=SCENARIO
    )
    applications = [application["metadata"] for application in listed["items"]] if listed else []
    group, version, plural = _APPLICATIONS
    for application in applications:
        custom.delete_namespaced_custom_object(
            group, version, application["namespace"], plural, application["name"]
        )
    return [f"Application {application['name']}" for application in applications]


def find_secrets(files: Iterable[Path], texts: Mapping[str, bytes]) -> list[str]:
    """Name every file and text that contains something shaped like a token or a docker login."""
    contents = {str(file): file.read_bytes() for file in files if file.is_file()}
    return [
        f"secret in {name}"
        for name, content in {**contents, **texts}.items()
        if any(shape.search(content) for shape in _SECRET_SHAPES)
    ]
