"""The environment variables of kind, kubectl and helm, set for a block and restored after it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.paths import NAME, Paths
from pullrecovery.lab.tools.toolchain import HELM, KIND, Toolchain

_SPELLED = [
    spelled
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for spelled in (name, name.upper())
]
# kind passes a proxy on to its nodes, which would reach the real ghcr.io through it.
NO_PROXIES = dict.fromkeys(_SPELLED, "")


def tool_environment(
    tools: Toolchain, kubectl_folder: str, engine: Engine, paths: Paths
) -> dict[str, str]:
    """Return the variables with which the lab's tools act only on the lab."""
    folders = [str(tools.folder(KIND)), str(tools.folder(HELM)), kubectl_folder]
    paths.home.mkdir(parents=True, exist_ok=True)
    return {
        **NO_PROXIES,
        # Helm runs hundreds of times, each too short to gain from garbage collection.
        "GOGC": "off",
        "GOMEMLIMIT": "512MiB",
        "PATH": os.pathsep.join([*folders, os.environ.get("PATH", "")]),
        "DOCKER_HOST": engine.host,
        "DOCKER_CONFIG": str(paths.home / ".docker"),
        "KUBECONFIG": str(paths.kubeconfig),
        "KIND_EXPERIMENTAL_PROVIDER": "docker",
        "KIND_EXPERIMENTAL_DOCKER_NETWORK": NAME,
        "HOME": str(paths.home),
        "HELM_CACHE_HOME": str(paths.home / "helm" / "cache"),
        "HELM_CONFIG_HOME": str(paths.home / "helm" / "config"),
        "HELM_DATA_HOME": str(paths.home / "helm" / "data"),
    }


@contextmanager
def applied(variables: Mapping[str, str]) -> Iterator[None]:
    """Set `variables` in this process.

    Pytest-kubernetes passes its own environment to its tools.
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
