"""The pull secrets of a workload, and the registry's answers to their credentials."""

from collections.abc import Iterable
from typing import Any

from pullrecovery.common.api_server import tolerate_missing
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
    """Read the target's pull secret in the workload's namespace, and probe its credentials.

    If the Secret is missing, search for similar Secrets.
    """
    seen = _observe(world, workload, world.target.pull_secret)
    return seen if seen.exists else _look_around(world, workload)


def observe_pull_secrets(
    world: ReadOnlyWorld, workload: Workload, names: Iterable[str], known: PullSecret
) -> tuple[PullSecret, ...]:
    """Read and probe the pull secrets `names`; `known` is one that was already observed."""
    return tuple(known if name == known.name else _observe(world, workload, name) for name in names)


def _observe(world: ReadOnlyWorld, workload: Workload, name: str) -> PullSecret:
    namespace = workload.namespace
    secret = tolerate_missing(world.core.read_namespaced_secret, name, namespace)
    if secret is None:
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
    # containerd asks anonymously if there is no token, whatever the login.
    return world.registry.tags(workload.image.package, credential if credential.token else None)


def _entries(secret: Any) -> dict[str, Credential]:
    entries = read_secret(secret.type, secret.data or {})
    for credential in entries.values():
        protect(credential.token)
    return entries


def tokens_of(secret: Any, repository: str) -> frozenset[str]:
    """The tokens that a Secret has for `repository`; none if it cannot be decoded."""
    try:
        entries = _entries(secret)
    except UnreadableSecretError:
        return frozenset()
    fitting = (each for server, each in entries.items() if matches(server, repository))
    return frozenset(credential.token for credential in fitting)


def _look_around(world: ReadOnlyWorld, workload: Workload) -> PullSecret:
    """Search other namespaces for the Secret's name, and its own for Secrets with an entry.

    The target's Secret is known to be missing even if the user may not list the other Secrets.
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
