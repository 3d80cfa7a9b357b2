"""The pull secrets, and what the registry makes of their credentials."""

from collections.abc import Iterable
from typing import Any

from kubernetes.client.exceptions import ApiException

from pullrecovery.common.errors import ForbiddenError
from pullrecovery.common.redaction import protect
from pullrecovery.model.observation import PullSecret, PullSecretEntry
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Workload
from pullrecovery.registry.keyring import (
    DOCKER_CONFIG_JSON,
    UnreadableSecretError,
    in_order,
    matches,
    read_secret,
)
from pullrecovery.world.read_only import ReadOnlyWorld


def observe_secret(world: ReadOnlyWorld, workload: Workload) -> PullSecret:
    """Read the target's pull secret in the workload's namespace, and try its credentials.

    Where it is missing, look where the like of it is.
    """
    seen = _observe(world, workload, world.target.pull_secret)
    return seen if seen.exists else _look_around(world, workload)


def observe_pull_secrets(
    world: ReadOnlyWorld, workload: Workload, names: Iterable[str], known: PullSecret
) -> tuple[PullSecret, ...]:
    """The pull secrets of these names in the same way; `known` is one that was seen already."""
    return tuple(known if name == known.name else _observe(world, workload, name) for name in names)


def _observe(world: ReadOnlyWorld, workload: Workload, name: str) -> PullSecret:
    namespace = workload.namespace
    try:
        secret = world.core.read_namespaced_secret(name, namespace)
    except ApiException as error:
        if error.status != 404:
            raise
        return PullSecret(name, namespace, exists=False)
    try:
        entries = _entries(secret)
    except UnreadableSecretError as error:
        return PullSecret(name, namespace, True, secret.type, problem=str(error))
    tried = tuple(
        PullSecretEntry(server, credential, _probe(world, workload, credential))
        for server, credential in in_order(entries.items(), workload.image.repository)
    )
    return PullSecret(name, namespace, True, secret.type, tuple(entries), "", tried)


def _probe(world: ReadOnlyWorld, workload: Workload, credential: Credential) -> Any:
    # Without a token containerd asks as nobody, whatever the login.
    return world.registry.tags(workload.image.package, credential if credential.token else None)


def _entries(secret: Any) -> dict[str, Credential]:
    entries = read_secret(secret.type, secret.data or {})
    for credential in entries.values():
        protect(credential.token)
    return entries


def tokens_of(secret: Any, repository: str) -> frozenset[str]:
    """The tokens that a Secret of the API has for `repository`; none where it cannot be decoded."""
    try:
        entries = _entries(secret)
    except UnreadableSecretError:
        return frozenset()
    fitting = (each for server, each in entries.items() if matches(server, repository))
    return frozenset(credential.token for credential in fitting)


def _look_around(world: ReadOnlyWorld, workload: Workload) -> PullSecret:
    """Secrets of its name in other namespaces, and of its kind under other names in its own.

    That it is missing is known by now, and stays known where these may not be listed.
    """
    name, namespace = world.target.pull_secret, workload.namespace
    try:
        return _like_it(world, workload, name, namespace)
    except ForbiddenError as error:
        return PullSecret(name, namespace, exists=False, unsought=error.what)


def _like_it(world: ReadOnlyWorld, workload: Workload, name: str, namespace: str) -> PullSecret:
    there = world.core.list_secret_for_all_namespaces(field_selector=f"metadata.name={name}").items
    here = world.core.list_namespaced_secret(
        namespace, field_selector=f"type={DOCKER_CONFIG_JSON}"
    ).items
    return PullSecret(
        name,
        namespace,
        exists=False,
        in_namespaces=tuple(sorted(secret.metadata.namespace for secret in there)),
        other_names=tuple(
            sorted(secret.metadata.name for secret in here if _would_do(secret, workload))
        ),
    )


def _would_do(secret: Any, workload: Workload) -> bool:
    try:
        return any(matches(server, workload.image.repository) for server in _entries(secret))
    except UnreadableSecretError:
        return False
