"""Which environment variables a child process gets: those of named sets, and one locale."""

import os
from collections.abc import Iterable, Mapping
from enum import Enum
from fnmatch import fnmatchcase

# Every child gets these. PULL_RECOVERY_RUN marks processes of a run of the lab (lab/lock.py).
BASE = (
    "HOME",
    # Some builds of Python do not start without it.
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PATH",
    "PULL_RECOVERY_RUN",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_*",
)
# Words that programs print are matched, so they must not depend on the user's language.
LOCALE = {"LC_ALL": "C.UTF-8"}
_PROXIES = tuple(
    spelled
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for spelled in (name, name.upper())
)
_NETWORK = (*_PROXIES, "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE")
_DOCKER = (
    "DOCKER_API_VERSION",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
)
_GO = (
    "GOAUTH",
    "GOENV",
    "GOINSECURE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
    "NETRC",
)
_NPM = ("NODE_AUTH_TOKEN", "NODE_EXTRA_CA_CERTS", "NPM_CONFIG_*", "NPM_TOKEN", "npm_config_*")
_PIP = ("NETRC", "PIP_*")
_PYTHON = ("PYTHON*",)
# A kubeconfig may name a program that logs in to a cloud provider.
_CLUSTER = (
    "AAD_*",
    "AWS_*",
    "AZURE_*",
    "CLOUDSDK_*",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "KUBECONFIG",
    "OCI_CLI_*",
    "USE_GKE_GCLOUD_AUTH_PLUGIN",
)
_GIT = ("GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "SSH_AUTH_SOCK")
# Variables of the suite itself and of pytest; GATE_* and KUBERNETES_SERVICE_* in the hook's pod.
_SUITE = (
    "ARGOCD",
    "BASE_IMAGE",
    "CI",
    "COLUMNS",
    "ENGINE",
    "FORCE_COLOR",
    "GATE_*",
    "GITHUB_ACTIONS",
    "GITHUB_ACTOR",
    "GITHUB_API_URL",
    "IMAGES",
    "KUBERNETES",
    "KUBERNETES_SERVICE_*",
    "NODE_IMAGE",
    "NO_COLOR",
    "PULL_RECOVERY_GATE_PUBLIC_KEY",
    "PYTEST_*",
)


class VariableSet(Enum):
    """Variables that a kind of program needs beside `BASE`; a name may end in `*`."""

    NETWORK = _NETWORK
    APT = (*_NETWORK, "APT_CONFIG")
    CLUSTER = (*_NETWORK, *_CLUSTER)
    DOCKER = _DOCKER
    GIT_REMOTE = (*_NETWORK, *_GIT)
    GO = (*_NETWORK, *_GO)
    NPM = (*_NETWORK, *_NPM)
    PIP = (*_NETWORK, *_PIP)
    PYTHON = _PYTHON
    # The suite in the lab, whose tests start all these programs; none connects to a user's cluster.
    SUITE = (*_NETWORK, "APT_CONFIG", *_DOCKER, *_GO, *_NPM, *_PIP, *_PYTHON, *_SUITE)


# The sets of `python -m pullrecovery` itself; CLUSTER is added if it connects to a cluster.
OWN = (VariableSet.SUITE, VariableSet.GIT_REMOTE)


def inherited(
    sets: Iterable[VariableSet] = (), environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the variables of a child with `sets`: from `environ` (os.environ), and the locale."""
    given = os.environ if environ is None else environ
    patterns = [*BASE, *(pattern for chosen in sets for pattern in chosen.value)]
    kept = {
        name: value
        for name, value in given.items()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    }
    return {**kept, **LOCALE}
