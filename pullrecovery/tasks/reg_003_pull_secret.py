"""REG-003: the pull secret.

Create or refresh the Secret in the workload's namespace, for the registry and
the login of the target, from a token that may read the package.
"""

import base64
import json
from typing import Any

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from pullrecovery.diagnosis.credential import diagnose_credential
from pullrecovery.keyring import DOCKER_CONFIG_JSON, UnreadableSecretError, matches, read_entries
from pullrecovery.model import Verdict, Workload, holds
from pullrecovery.observation import Credential, Observation
from pullrecovery.redaction import protect
from pullrecovery.world import World

_KEY = ".dockerconfigjson"


def reg_003(seen: Observation) -> Verdict:
    """Holds when the Secret is there, of the right type, for this registry, and accepted by it."""
    return diagnose_credential(seen.secret) or holds()


def refresh_secret(world: World, workload: Workload, credential: Credential) -> str:
    """Create the Secret, or replace its entry for the registry; other entries stay.

    Idempotent. Returns what was done. A Secret of another type is deleted first,
    since its type cannot be changed.
    """
    name, namespace = world.target.pull_secret, workload.namespace
    found = _read(world, name, namespace)
    if found is not None and found.type != DOCKER_CONFIG_JSON:
        world.core.delete_namespaced_secret(name, namespace)
        found = None
    auths = _auths(found, workload.image.repository)
    auths[world.target.registry] = _entry(credential)
    body = k8s.V1Secret(
        metadata=k8s.V1ObjectMeta(name=name, namespace=namespace),
        type=DOCKER_CONFIG_JSON,
        string_data={_KEY: json.dumps({"auths": auths})},
    )
    if found is None:
        world.core.create_namespaced_secret(namespace, body)
        return f"created Secret {namespace}/{name}"
    world.core.patch_namespaced_secret(name, namespace, body)
    return f"refreshed Secret {namespace}/{name}"


def _read(world: World, name: str, namespace: str) -> k8s.V1Secret | None:
    try:
        return world.core.read_namespaced_secret(name, namespace)
    except ApiException as error:
        if error.status != 404:
            raise
        return None


def _auths(secret: k8s.V1Secret | None, repository: str) -> dict[str, Any]:
    """The entries for other images; a body that is not readable has none worth keeping."""
    raw = (secret.data or {}).get(_KEY, "") if secret else ""
    if not raw:
        return {}
    try:
        body = base64.b64decode(raw).decode()
        servers = read_entries(body)
    except (UnreadableSecretError, UnicodeDecodeError):
        return {}
    others = (server for server in servers if not matches(server, repository))
    return {server: json.loads(body)["auths"][server] for server in others}


def _entry(credential: Credential) -> dict[str, str]:
    protect(credential.token)
    pair = f"{credential.login}:{credential.token}".encode()
    auth = protect(base64.b64encode(pair).decode())
    return {"username": credential.login, "password": credential.token, "auth": auth}
