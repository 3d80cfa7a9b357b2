"""What the target's charts need and no sandbox provides: cluster-scoped objects and privileges."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from pullrecovery.common.process import CommandError
from pullrecovery.common.redaction import redact
from pullrecovery.lab.chart_namespace import LEVEL, chart_namespace_labels
from pullrecovery.lab.cluster.cluster_objects import documents, scopes, split
from pullrecovery.lab.seed import LabWorld

_WARN = "pod-security.kubernetes.io/warn"
# The API server's message as it is quoted in a warning header.
_VIOLATES = re.compile(r'would violate PodSecurity \\"[^"]*\\": ((?:[^"\\]|\\.)*)"')
_INVALID = (400, 403, 404, 422)


@dataclass(frozen=True)
class Needs:
    """Objects that sandboxes skip, and pods that do not run there, each with the reason.

    Each entry begins with the workload whose chart it is from.
    """

    skipped_objects: tuple[str, ...] = ()
    rejected_pods: tuple[str, ...] = ()

    def sentences(self) -> Iterator[str]:
        """Yield the needs as sentences for the terminal."""
        yield from (f"skipped, as it is cluster-scoped: {name}" for name in self.skipped_objects)
        yield from (f"rejected, as it needs more than {LEVEL}: {pod}" for pod in self.rejected_pods)


def sandbox_needs(lab_world: LabWorld) -> Needs:
    """Render every workload's chart, and ask the API server about what it renders.

    A chart that does not render has no needs here: a criterion judges why it does not.
    """
    skipped, rejected = list[str](), list[str]()
    api, world = lab_world.cluster, lab_world
    core, name = k8s.CoreV1Api(api), f"needs-{secrets.token_hex(4)}"
    labels = chart_namespace_labels() | {_WARN: LEVEL}
    core.create_namespace(k8s.V1Namespace(metadata=k8s.V1ObjectMeta(name=name, labels=labels)))
    try:
        for workload in world.target.workloads:
            try:
                text = world.helm.template(workload, definitions=True)
            except CommandError:
                continue
            rendered = split(text, scopes(api))
            skipped += [f"{workload.name}: {name}" for name in rendered.names]
            refused = _refused(core, name, rendered.kept)
            rejected += [f"{workload.name}: {pod}" for pod in refused]
    finally:
        core.delete_namespace(name)
    return Needs(tuple(map(redact, skipped)), tuple(map(redact, rejected)))


def _refused(core: k8s.CoreV1Api, namespace: str, text: str) -> Iterator[str]:
    """Yield the objects whose pods the API server rejects in a sandbox, with its reasons."""
    for document in documents(text):
        spec = _pod_spec(document)
        why = _violations(core, namespace, spec) if spec else ""
        if why:
            yield f"{document['kind']} {(document.get('metadata') or {}).get('name')}: {why}"


def _pod_spec(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the spec of the pods that an object is or creates; None if it creates none."""
    spec = document.get("spec")
    if document.get("kind") != "Pod":
        for key in ("jobTemplate", "template"):
            inner = spec.get(key) if isinstance(spec, dict) else None
            spec = inner.get("spec") if isinstance(inner, dict) else spec
    is_pod = isinstance(spec, dict) and "containers" in spec
    return spec if is_pod else None


def _violations(core: k8s.CoreV1Api, namespace: str, spec: Mapping[str, Any]) -> str:
    """Return the API server's objections to such pods, from a pod template's dry run, or ''."""
    template = {"metadata": {"labels": {"app": "asked"}}, "spec": spec}
    body = {"metadata": {"name": "asked"}, "template": template}
    try:
        _, _, headers = core.create_namespaced_pod_template_with_http_info(
            namespace, body, dry_run="All"
        )
    except ApiException as error:
        if error.status not in _INVALID:
            raise
        # Its error is reported where the chart is deployed.
        return ""
    found = _VIOLATES.search(headers.get("Warning", ""))
    return str(json.loads(f'"{found[1]}"')) if found else ""
