"""Read-only access to a user's cluster.

Two layers ensure it: these classes have no call that writes, and the client below them sends only
GET. If the API server forbids a request, the error names the missing verb and resource.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes import client as k8s
from kubernetes import config as k8s_config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from pullrecovery.common.errors import ForbiddenError, NotObservedError
from pullrecovery.common.redaction import redact
from pullrecovery.live.settings import LiveSettings

# Seconds for each request; the API server ends a list request after sixty.
_TIMEOUT = 20.0
_SHOWN = 300
_FORBIDDEN, _MISSING, _UNKNOWN_USER = 403, 404, 401


@dataclass(frozen=True)
class LiveCore:
    """The reads of the core API group; a missing object raises the client's ApiException 404."""

    _api: Any = field(repr=False)

    def list_node(self) -> Any:
        return _ask("list nodes", self._api.list_node)

    def list_namespaced_pod(self, namespace: str, *, label_selector: str) -> Any:
        what = f"list pods in {namespace}"
        return _ask(what, self._api.list_namespaced_pod, namespace, label_selector=label_selector)

    def list_namespaced_event(self, namespace: str, *, field_selector: str) -> Any:
        what = f"list events in {namespace}"
        return _ask(what, self._api.list_namespaced_event, namespace, field_selector=field_selector)

    def list_namespaced_secret(self, namespace: str, *, field_selector: str) -> Any:
        what = f"list secrets in {namespace}"
        return _ask(
            what, self._api.list_namespaced_secret, namespace, field_selector=field_selector
        )

    def list_secret_for_all_namespaces(self, *, field_selector: str) -> Any:
        what = "list secrets in all namespaces"
        return _ask(what, self._api.list_secret_for_all_namespaces, field_selector=field_selector)

    def read_namespaced_secret(self, name: str, namespace: str) -> Any:
        what = f"get secrets/{name} in {namespace}"
        return _ask(what, self._api.read_namespaced_secret, name, namespace)

    def read_namespaced_service_account(self, name: str, namespace: str) -> Any:
        what = f"get serviceaccounts/{name} in {namespace}"
        return _ask(what, self._api.read_namespaced_service_account, name, namespace)


@dataclass(frozen=True)
class LiveApps:
    """The reads of the API group `apps`."""

    _api: Any = field(repr=False)

    def list_namespaced_deployment(self, namespace: str, *, label_selector: str) -> Any:
        what = f"list deployments.apps in {namespace}"
        return _ask(
            what, self._api.list_namespaced_deployment, namespace, label_selector=label_selector
        )

    def list_namespaced_replica_set(self, namespace: str, *, label_selector: str) -> Any:
        what = f"list replicasets.apps in {namespace}"
        return _ask(
            what, self._api.list_namespaced_replica_set, namespace, label_selector=label_selector
        )


@dataclass(frozen=True)
class LiveCluster:
    """The cluster of one context; `version` is the API server's gitVersion."""

    server: str
    version: str
    core: LiveCore
    apps: LiveApps


@contextmanager
def open_cluster(settings: LiveSettings, scratch: Path) -> Iterator[LiveCluster]:
    """Open the cluster of the context; the client writes its key files to `scratch`.

    The kubeconfig is not written, not even for a renewed token. Raises NotObservedError if the API
    server does not answer or does not accept the user.
    """
    configuration = k8s.Configuration()
    try:
        k8s_config.load_kube_config(
            settings.kubeconfig,
            context=settings.context,
            client_configuration=configuration,
            persist_config=False,
            temp_file_path=str(scratch),
        )
    except ConfigException as error:
        raise NotObservedError(f"Context {settings.context} cannot be used: {error}") from error
    configuration.retries = False
    with k8s.ApiClient(configuration) as client:
        client.rest_client = ReadOnlyRest(client.rest_client)
        version = _ask(f"get /version of {configuration.host}", k8s.VersionApi(client).get_code)
        core, apps = LiveCore(k8s.CoreV1Api(client)), LiveApps(k8s.AppsV1Api(client))
        yield LiveCluster(configuration.host, str(version.git_version), core, apps)


@dataclass(frozen=True)
class ReadOnlyRest:
    """The kubernetes client's REST sender, restricted to GET."""

    inner: Any

    def request(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Send a GET request; raises NotObservedError for any other method."""
        if method.upper() != "GET":
            raise NotObservedError(f"The live world only reads; it was to send {method}.")
        return self.inner.request(method, *arguments, **options)

    def close(self) -> None:
        self.inner.close()


def _ask(what: str, call: Callable[..., Any], *arguments: str, **options: str) -> Any:
    """Send a request to the API server; raises NotObservedError for any error except a 404."""
    try:
        return call(*arguments, _request_timeout=_TIMEOUT, **options)
    except ApiException as error:
        if error.status == _MISSING:
            raise
        said = _said(error)
        if error.status == _FORBIDDEN:
            raise ForbiddenError(what, said) from None
        if error.status == _UNKNOWN_USER:
            raise NotObservedError(
                f"The API server does not know the user of this context (401), so that it tells"
                f" nothing ({what}): {said}"
            ) from None
        raise NotObservedError(
            f"The API server could not {what} ({error.status}): {said}"
        ) from None
    except (HTTPError, OSError) as error:
        said = redact(f"{type(error).__name__}: {error}")[:_SHOWN]
        raise NotObservedError(f"The API server does not answer ({what}): {said}") from error


def _said(error: ApiException) -> str:
    """Return the message in the API server's answer, or the beginning of its body."""
    try:
        return str(json.loads(error.body)["message"])
    except (ValueError, KeyError, TypeError):
        return redact(str(error.body or error.reason))[:_SHOWN]
