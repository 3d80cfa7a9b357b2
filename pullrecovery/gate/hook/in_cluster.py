"""Access to pods and Applications through the API server of the hook's own cluster."""

from typing import Any

from kubernetes import client as k8s
from kubernetes import config
from kubernetes.config.config_exception import ConfigException

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.gate.hook.probe import Pods
from pullrecovery.gate.hook.running_sync import Applications

# Seconds to connect, and seconds for an answer.
_WITHIN = (5, 10)


def in_cluster() -> k8s.ApiClient:
    """Return the API server's client with the hook's own ServiceAccount.

    Raises PullRecoveryError outside of a cluster.
    """
    settings = k8s.Configuration()
    try:
        config.load_incluster_config(settings)
    except ConfigException as error:
        raise PullRecoveryError(
            f"the hook runs in a pod of a cluster, and here: {error}"
        ) from error
    settings.retries = 1
    return k8s.ApiClient(settings)


def own_pods(api: k8s.ApiClient, namespace: str) -> Pods:
    """Return the pods of `namespace`, with the rights of the hook's own ServiceAccount."""
    return _Pods(k8s.CoreV1Api(api), namespace)


def own_applications(api: k8s.ApiClient) -> Applications:
    """Return Argo CD's Applications, with the rights of the hook's own ServiceAccount."""
    return _Applications(k8s.CustomObjectsApi(api))


class _Applications:
    def __init__(self, api: k8s.CustomObjectsApi) -> None:
        self._api = api

    def read(self, namespace: str, name: str) -> Any:
        return self._api.get_namespaced_custom_object(
            "argoproj.io", "v1alpha1", namespace, "applications", name, _request_timeout=_WITHIN
        )


class _Pods:
    def __init__(self, core: k8s.CoreV1Api, namespace: str) -> None:
        self._core, self._namespace = core, namespace

    def create(self, manifest: dict[str, Any]) -> Any:
        return self._core.create_namespaced_pod(self._namespace, manifest, _request_timeout=_WITHIN)

    def read(self, name: str) -> Any:
        return self._core.read_namespaced_pod(name, self._namespace, _request_timeout=_WITHIN)

    def delete(self, name: str) -> None:
        self._core.delete_namespaced_pod(
            name, self._namespace, grace_period_seconds=0, _request_timeout=_WITHIN
        )
