"""Cluster-scoped objects of a chart: found where it is rendered, left out, or given other names.

What a chart renders is split as Helm splits it, and passed on as it is: only what has to name
another object is written anew.
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

# Helm's own annotation, on every object of a release.
RELEASED_IN = "meta.helm.sh/release-namespace"
_SEPARATOR = re.compile(r"(?:^|\s*\n)---\s*")
_DEFINITION = "CustomResourceDefinition"
_RBAC = "rbac.authorization.k8s.io"
_WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
# What can have another name: nothing else of a chart is found by it, or what is, is rewritten.
_RENAMED = ("ClusterRole", "ClusterRoleBinding", *_WEBHOOKS)
_CHART = "objects.yaml"

Document = Mapping[str, Any]


@dataclass(frozen=True)
class SplitChart:
    """A rendered chart in two parts: the text for its sandbox, and the objects left out of it."""

    kept: str
    left_out: tuple[Document, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Kind and name of each object that is left out."""
        return tuple(f"{each['kind']} {_name(each)}" for each in self.left_out)


@cache
def scopes(api: k8s.ApiClient) -> Mapping[tuple[str, str], ApiKind]:
    """The kinds that the API server serves, by group and name; asked once."""
    return {(each.group, each.kind): each for each in served_kinds(api)}


def split(text: str, kinds: Mapping[tuple[str, str], ApiKind]) -> SplitChart:
    """Leave out what is not namespaced, and what only a definition in `text` would make known."""
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
    """The objects of a rendered chart; what is no object is left to Helm to name."""
    return [document for document in map(_read, _SEPARATOR.split(text)) if document]


def _read(part: str) -> Document:
    try:
        document = YAML(typ="safe", pure=True).load(part)
    except YAMLError:
        # Helm says what is wrong with it.
        return {"kind": ""}
    return document if isinstance(document, dict) else {}


def _group(document: Document) -> str:
    return str(document.get("apiVersion", "")).rpartition("/")[0]


def _name(document: Document) -> str:
    return str((document.get("metadata") or {}).get("name", ""))


def _defines(definition: Document) -> tuple[str, str]:
    """Group and kind that a CustomResourceDefinition makes known."""
    spec = definition.get("spec") or {}
    return str(spec.get("group", "")), str((spec.get("names") or {}).get("kind", ""))


def write_chart(folder: Path, workload: Workload, kept: str) -> Workload:
    """A chart in `folder` that renders `kept` as it is; returns the workload with that one."""
    (folder / "templates").mkdir()
    # The name is on no object that was rendered before.
    description = {"apiVersion": "v2", "name": workload.name, "version": "0.0.0"}
    (folder / "Chart.yaml").write_text(json.dumps(description))
    (folder / _CHART).write_text(kept)
    (folder / "templates" / _CHART).write_text(f'{{{{ .Files.Get "{_CHART}" }}}}')
    return replace(workload, chart=folder, values=())


def renamed(rendered: SplitChart, namespace: str) -> SplitChart:
    """The same with names of the sandbox's own, which all begin with its namespace.

    Raises UsageError for an object that cannot have another name.
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
        # Else it would stand in the way of every other sandbox.
        webhook["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return own


def _bound(part: str, namespace: str, roles: frozenset[str]) -> str:
    """A namespaced object; a RoleBinding of a renamed ClusterRole names the renamed one."""
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
    """Server-side apply of cluster-scoped objects; returns their paths."""
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
