"""Observe GitHub's report of who may read the package, and what the tokens may do."""

from datetime import UTC, datetime

from pullrecovery.common.api_server import tolerate_missing
from pullrecovery.kube.secrets import tokens_of
from pullrecovery.model.grant import PackageGrant, TokenGrant
from pullrecovery.model.observation import PullSecret
from pullrecovery.model.probe import Credential, Probe, RegistryFailure
from pullrecovery.model.target import Visibility, Workload
from pullrecovery.registry.github_packages import PackagesError
from pullrecovery.world.read_only import ReadOnlyWorld

_OK = 200


def observe_grant(world: ReadOnlyWorld, workload: Workload, secret: PullSecret) -> PackageGrant:
    """Request the package's visibility and, with each token, what the token may do.

    This takes one request for the package and one for each token; for a package that should be
    public, it takes two more to the registry.
    """
    visibility, status, failure = _visibility(world, workload)
    asked_for = world.target.token_per_namespace
    return PackageGrant(
        visibility=visibility,
        status=status,
        at=datetime.now(UTC),
        tokens=tuple(
            observe_token(world, workload, credential) for credential in secret.credentials
        ),
        anonymous=_ask_anonymously(world, workload),
        shared_with=namespaces_with(world, workload, secret.credentials) if asked_for else (),
        failure=failure,
    )


def observe_token(world: ReadOnlyWorld, workload: Workload, credential: Credential) -> TokenGrant:
    """What GitHub reports about a token."""
    return world.github.packages(workload.image.owner, credential.token).token()


def namespaces_with(
    world: ReadOnlyWorld, workload: Workload, credentials: tuple[Credential, ...]
) -> tuple[str, ...]:
    """The target's other namespaces whose pull secret has one of these tokens."""
    names = {each.namespace for each in world.target.workloads} - {workload.namespace}
    wanted = {credential.token for credential in credentials}
    return tuple(name for name in sorted(names) if wanted & _tokens_in(world, workload, name))


def _visibility(
    world: ReadOnlyWorld, workload: Workload
) -> tuple[str, int, RegistryFailure | None]:
    image = workload.image
    packages = world.github.packages(image.owner, world.reader.token)
    try:
        return packages.visibility(image.name), _OK, None
    except PackagesError as error:
        return "", error.status, error.failure


def _ask_anonymously(world: ReadOnlyWorld, workload: Workload) -> Probe | None:
    if workload.visibility is not Visibility.PUBLIC:
        return None
    return world.registry.manifest(workload.image.package, workload.image.tag, None)


def _tokens_in(world: ReadOnlyWorld, workload: Workload, namespace: str) -> frozenset[str]:
    read = world.core.read_namespaced_secret
    secret = tolerate_missing(read, world.target.pull_secret, namespace)
    return tokens_of(secret, workload.image.repository) if secret else frozenset()
