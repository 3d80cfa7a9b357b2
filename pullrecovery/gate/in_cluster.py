"""The pods of a namespace, through the API server of the cluster that the hook runs in."""

from typing import Any

from kubernetes import client as k8s
from kubernetes import config
from kubernetes.config.config_exception import ConfigException

from pullrecovery.errors import PullRecoveryError
from pullrecovery.gate.probe import Pods

# Seconds for a connection, and for an answer.
_WITHIN = (5, 10)


def own_pods(namespace: str) -> Pods:
    """The pods of `namespace`, as the hook's own ServiceAccount may touch them.

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
    return _Pods(k8s.CoreV1Api(k8s.ApiClient(settings)), namespace)


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
