"""Find a chart's cluster-scoped objects in its rendered text, and skip or rename them.

The rendered text is split as Helm splits it and otherwise unchanged: only an object that refers to
a renamed object is rewritten.
"""

import json
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from kubernetes import client as k8s
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pullrecovery.common.errors import LabError, UsageError
from pullrecovery.lab.cluster.api_kinds import ApiKind, request, served_kinds
from pullrecovery.lab.paths import LABEL
from pullrecovery.model.target import Workload

# Helm's own annotation on every object of a release.
RELEASED_IN = "meta.helm.sh/release-namespace"
_SEPARATOR = re.compile(r"(?:^|\s*\n)---\s*")
_DEFINITION = "CustomResourceDefinition"
_RBAC = "rbac.authorization.k8s.io"
_WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
# Kinds that can be renamed: no other object refers to them by name, or the reference is rewritten.
_RENAMED = ("ClusterRole", "ClusterRoleBinding", *_WEBHOOKS)
_CHART = "objects.yaml"

Document = Mapping[str, Any]


@dataclass(frozen=True)
class SplitChart:
    """A rendered chart in two parts: the text for its sandbox, and the objects that it skips."""

    kept: str
    left_out: tuple[Document, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return kind and name of each skipped object."""
        return tuple(f"{each['kind']} {_name(each)}" for each in self.left_out)


@cache
def scopes(api: k8s.ApiClient) -> Mapping[tuple[str, str], ApiKind]:
    """Return the kinds that the API server serves, by group and name; the result is cached."""
    return {(each.group, each.kind): each for each in served_kinds(api)}


def split(text: str, kinds: Mapping[tuple[str, str], ApiKind]) -> SplitChart:
    """Skip objects that are not namespaced, or whose kind only a definition in `text` adds."""
    kept: list[str] = []
    left_out: list[Document] = []
    parts = [(part, _read(part)) for part in _SEPARATOR.split(text)]
    defined = {_defines(document) for _, document in parts if document.get("kind") == _DEFINITION}
    for part, document in parts:
        key = (_group(document), str(document.get("kind", "")))
        known = kinds.get(key)
        if (known and not known.namespaced) or (not known and key in defined):
            left_out.append(document)
        elif document:
            kept.append(part)
    return SplitChart("".join(f"---\n{part.rstrip()}\n" for part in kept), tuple(left_out))


def documents(text: str) -> list[Document]:
    """Return the objects of a rendered chart; parts that are not objects are skipped.

    Helm reports those.
    """
    return [document for document in map(_read, _SEPARATOR.split(text)) if document]


def _read(part: str) -> Document:
    try:
        document = YAML(typ="safe", pure=True).load(part)
    except YAMLError:
        # Helm reports the error in it.
        return {"kind": ""}
    return document if isinstance(document, dict) else {}


def _group(document: Document) -> str:
    return str(document.get("apiVersion", "")).rpartition("/")[0]


def _name(document: Document) -> str:
    return str((document.get("metadata") or {}).get("name", ""))


def _defines(definition: Document) -> tuple[str, str]:
    """Return the group and kind that a CustomResourceDefinition adds."""
    spec = definition.get("spec") or {}
    return str(spec.get("group", "")), str((spec.get("names") or {}).get("kind", ""))


def write_chart(folder: Path, workload: Workload, kept: str) -> Workload:
    """Write a chart to `folder` that renders `kept` unchanged.

    Return the workload with that chart.
    """
    (folder / "templates").mkdir()
    # No object contains the name, because nothing else of this chart is rendered.
    description = {"apiVersion": "v2", "name": workload.name, "version": "0.0.0"}
    (folder / "Chart.yaml").write_text(json.dumps(description))
    (folder / _CHART).write_text(kept)
    (folder / "templates" / _CHART).write_text(f'{{{{ .Files.Get "{_CHART}" }}}}')
    return replace(workload, chart=folder, values=())


def renamed(rendered: SplitChart, namespace: str) -> SplitChart:
    """Return the chart with its cluster-scoped objects renamed with the namespace as prefix.

    Raises UsageError for an object that cannot be renamed.
    """
    fixed = [
        name
        for name, each in zip(rendered.names, rendered.left_out, strict=True)
        if each["kind"] not in _RENAMED
    ]
    if fixed:
        raise UsageError(
            f"--allow-cluster-objects: {', '.join(fixed)} cannot have a name of the sandbox's own;"
            f" only {', '.join(_RENAMED)} can. Run without the option to leave them out."
        )
    found = (each for each in rendered.left_out if each["kind"] == "ClusterRole")
    roles = frozenset(_name(each) for each in found)
    left_out = tuple(_own(each, namespace, roles) for each in rendered.left_out)
    parts = [_bound(part, namespace, roles) for part in _SEPARATOR.split(rendered.kept) if part]
    return SplitChart("".join(f"---\n{part.rstrip()}\n" for part in parts), left_out)


def _own(document: Document, namespace: str, roles: frozenset[str]) -> Document:
    own = _to_own_role(document, namespace, roles)
    metadata = own["metadata"]
    metadata["name"] = f"{namespace}-{metadata['name']}"
    metadata["labels"] = {**(metadata.get("labels") or {}), LABEL: "scenario"}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), RELEASED_IN: namespace}
    for webhook in own.get("webhooks") or () if own["kind"] in _WEBHOOKS else ():
        service = (webhook.get("clientConfig") or {}).get("service")
        if service:
            service["namespace"] = namespace
        # Without it, the webhook would also apply to every other sandbox.
        webhook["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return own


def _bound(part: str, namespace: str, roles: frozenset[str]) -> str:
    """Return a namespaced object; in a RoleBinding, a renamed ClusterRole gets its new name."""
    document = _read(part)
    role = document.get("roleRef") or {}
    if document.get("kind") != "RoleBinding" or role.get("name") not in roles:
        return part
    return json.dumps(_to_own_role(document, namespace, roles))


def _to_own_role(document: Document, namespace: str, roles: frozenset[str]) -> dict[str, Any]:
    own: dict[str, Any] = deepcopy(dict(document))
    role = own.get("roleRef") or {}
    if role.get("kind") == "ClusterRole" and role.get("name") in roles:
        role["name"] = f"{namespace}-{role['name']}"
    return own


def apply(api: k8s.ApiClient, objects: Iterable[Document]) -> list[str]:
    """Apply cluster-scoped objects with server-side apply; return their paths."""
    paths = []
    for document in objects:
        kind = scopes(api).get((_group(document), document["kind"]))
        if kind is None:
            raise LabError(f"The API server knows no {document['kind']} of {_group(document)!r}.")
        path = kind.path(name=_name(document))
        query = "?fieldManager=pull-recovery&force=true"
        content = "application/apply-patch+yaml"
        request(api, "PATCH", path + query, body=dict(document), content=content)
        paths.append(path)
    return paths
