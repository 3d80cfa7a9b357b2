"""The kinds that an API server serves, and the metadata of their objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from pullrecovery.common.api_server import tolerate_missing

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# Discovered but not listable: its CustomResourceDefinition was just deleted, or it is virtual.
_NOT_LISTED = (404, 405)


@dataclass(frozen=True)
class ApiKind:
    """One kind in one version of its group; `plural` is its name in paths."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the API path of all its objects, of those in a namespace, or of one object."""
        parts = ["/apis", self.group] if self.group else ["/api"]
        parts += [self.version, *(["namespaces", namespace] if namespace else []), self.plural]
        return "/".join([*parts, *([name] if name else [])])


def served_kinds(api: k8s.ApiClient) -> tuple[ApiKind, ...]:
    """Return every kind that the API server serves, each in its most preferred version."""
    found: dict[tuple[str, str], ApiKind] = {}
    for root in ("/api", "/apis"):
        for group in request(api, "GET", root, accept=_DISCOVERY)["items"]:
            name = group["metadata"].get("name", "")
            # The API server lists the preferred version first.
            for version in group["versions"]:
                for resource in version.get("resources") or ():
                    kind = _kind(name, version["version"], resource)
                    found.setdefault((name, kind.plural), kind)
    return tuple(found.values())


def _kind(group: str, version: str, resource: Mapping[str, Any]) -> ApiKind:
    return ApiKind(
        group,
        version,
        resource["responseKind"]["kind"],
        resource["resource"],
        resource["scope"] == "Namespaced",
        frozenset(resource["verbs"]),
    )


def list_metadata(api: k8s.ApiClient, kind: ApiKind, namespace: str = "") -> list[dict[str, Any]]:
    """Return the metadata of a kind's objects, in all namespaces or in one."""
    try:
        found = request(api, "GET", kind.path(namespace), accept=_METADATA)
    except ApiException as error:
        if error.status not in _NOT_LISTED:
            raise
        return []
    # Some kinds answer null if there is no object.
    return [each["metadata"] for each in found["items"] or ()]


def drop_finalizers(api: k8s.ApiClient, path: str) -> None:
    """Remove an object's finalizers; a missing object is not an error."""
    body: dict[str, Any] = {"metadata": {"finalizers": []}}
    merge = "application/merge-patch+json"
    tolerate_missing(request, api, "PATCH", path, body=body, content=merge)


def delete(api: k8s.ApiClient, path: str) -> None:
    """Delete an object; a missing object is not an error."""
    tolerate_missing(request, api, "DELETE", path)


def request(
    api: k8s.ApiClient,
    method: str,
    path: str,
    *,
    body: object = None,
    accept: str = "application/json",
    content: str = "application/json",
) -> Any:
    """Send a request for which the API client has no method; return the answer's JSON."""
    headers = {"Accept": accept, "Content-Type": content}
    prepared = api.param_serialize(
        method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
    )
    response = api.call_api(*prepared)
    response.read()
    return api.response_deserialize(response, {"2XX": "object"}).data
