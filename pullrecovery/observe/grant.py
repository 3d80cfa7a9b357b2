"""Who may read the package, and what the pull secret's token may do: GitHub's own words for it."""

from datetime import UTC, datetime

from kubernetes.client.exceptions import ApiException

from pullrecovery.kube.secrets import tokens_of
from pullrecovery.model.grant import GrantSeen, TokenSeen
from pullrecovery.model.observation import SecretSeen
from pullrecovery.model.probe import Credential, Probe, Trouble
from pullrecovery.model.target import Visibility, Workload
from pullrecovery.registry.github_packages import PackagesError
from pullrecovery.world.read_only import View

_OK = 200


def observe_grant(world: View, workload: Workload, secret: SecretSeen) -> GrantSeen:
    """Ask for the package's visibility and, by each token itself, for what the token may do.

    Two requests with one token; for a package that is meant to be public two more, to the registry.
    """
    visibility, status, trouble = _visibility(world, workload)
    asked_for = world.target.token_per_namespace
    return GrantSeen(
        visibility=visibility,
        status=status,
        at=datetime.now(UTC),
        tokens=tuple(observe_token(world, workload, each) for each in secret.credentials),
        anonymous=_ask_as_nobody(world, workload),
        shared_with=namespaces_with(world, workload, secret.credentials) if asked_for else (),
        trouble=trouble,
    )


def observe_token(world: View, workload: Workload, credential: Credential) -> TokenSeen:
    """What GitHub says of a token."""
    return world.github.packages(workload.image.owner, credential.token).token()


def namespaces_with(
    world: View, workload: Workload, credentials: tuple[Credential, ...]
) -> tuple[str, ...]:
    """The target's other namespaces whose pull secret has one of these tokens."""
    names = {each.namespace for each in world.target.workloads} - {workload.namespace}
    wanted = {credential.token for credential in credentials}
    return tuple(name for name in sorted(names) if wanted & _tokens_in(world, workload, name))


def _visibility(world: View, workload: Workload) -> tuple[str, int, Trouble | None]:
    image = workload.image
    packages = world.github.packages(image.owner, world.reader.token)
    try:
        return packages.visibility(image.name), _OK, None
    except PackagesError as error:
        return "", error.status, error.trouble


def _ask_as_nobody(world: View, workload: Workload) -> Probe | None:
    if workload.visibility is not Visibility.PUBLIC:
        return None
    return world.registry.manifest(workload.image.package, workload.image.tag, None)


def _tokens_in(world: View, workload: Workload, namespace: str) -> frozenset[str]:
    try:
        secret = world.core.read_namespaced_secret(world.target.pull_secret, namespace)
    except ApiException as error:
        if error.status != 404:
            raise
        return frozenset()
    return tokens_of(secret, workload.image.repository)
