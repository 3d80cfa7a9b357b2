"""The pull secret, and what the registry makes of its credential."""

import base64

from kubernetes.client.exceptions import ApiException

from pullrecovery.keyring import UnreadableSecretError, credential_for, read_entries
from pullrecovery.model import Workload
from pullrecovery.observation import SecretSeen
from pullrecovery.redaction import protect
from pullrecovery.world import World

DOCKER_CONFIG_JSON = "kubernetes.io/dockerconfigjson"
_KEY = ".dockerconfigjson"


def observe_secret(world: World, workload: Workload) -> SecretSeen:
    """Read the target's pull secret in the workload's namespace, and try its credential."""
    name, namespace = world.target.pull_secret, workload.namespace
    try:
        secret = world.core.read_namespaced_secret(name, namespace)
    except ApiException as error:
        if error.status != 404:
            raise
        return SecretSeen(name, namespace, exists=False)
    raw = (secret.data or {}).get(_KEY, "")
    try:
        entries = read_entries(base64.b64decode(raw).decode()) if raw else {}
    except (UnreadableSecretError, UnicodeDecodeError) as error:
        return SecretSeen(name, namespace, True, secret.type, problem=str(error))
    for entry in entries.values():
        protect(entry.token)
    credential = credential_for(entries, workload.image.repository)
    probe = world.registry.tags(workload.image.package, credential) if credential else None
    servers = tuple(entries)
    return SecretSeen(name, namespace, True, secret.type, servers, "", credential, probe)
