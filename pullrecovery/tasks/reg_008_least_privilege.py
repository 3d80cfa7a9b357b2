"""REG-008: least privilege.

Make the package public, so that pods need no token; or leave it private, and give the cluster a
token that can only pull, authorised for SSO if the organisation requires it.
"""

from collections.abc import Callable

from pullrecovery.common.api_server import tolerate_missing
from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.diagnosis.grant import (
    LEAST,
    diagnose_needless_secret,
    diagnose_tokens,
    diagnose_untold,
    diagnose_visibility,
    is_meant_to_be_public,
    needed_by_others,
)
from pullrecovery.kube.secrets import observe_secret
from pullrecovery.model.grant import TokenGrant
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observed import Observed
from pullrecovery.model.probe import Credential
from pullrecovery.model.target import Visibility, Workload
from pullrecovery.model.verdict import Verdict, passes, unknown
from pullrecovery.monorepo.values_file import edited
from pullrecovery.observe.grant import namespaces_with, observe_token
from pullrecovery.tasks.changes import Change, diff_of
from pullrecovery.tasks.criterion import Criterion
from pullrecovery.tasks.reg_003_pull_secret import refresh_secret
from pullrecovery.world.world import World

Revoke = Callable[[Credential], None]


def _judge(observation: Observed) -> Verdict:
    """Passes if the package has the target's visibility, and pods have no excess access.

    Nothing is tried that could change a package: the token's scopes say what it may do.
    """
    # Visibility comes first, because it is known even if everything else is unknown.
    grant = observation.grant
    wrong = diagnose_visibility(observation.workload, grant) or diagnose_untold(observation)
    if wrong is None:
        public = is_meant_to_be_public(observation.workload)
        wrong = _judge_wired(observation) if public else diagnose_tokens(observation)
    if wrong is None and grant.unobserved is not None:
        return unknown(grant.unobserved.reason)
    return wrong or passes(_evidence(observation))


reg_008 = Criterion(
    "REG-008",
    needs=(Observed.grant, Observed.secret),
    uses=(Observed.wanted, Observed.deployment, Observed.pods),
    judge=_judge,
)


def _judge_wired(observation: Observed) -> Verdict | None:
    """Judge whether the pods of a public package get a pull secret; None if they get none."""
    deployment, pods = (
        observation.optional(Observed.deployment),
        observation.optional(Observed.pods),
    )
    if isinstance(deployment, NotObserved):
        return unknown(deployment.reason)
    if isinstance(pods, NotObserved):
        return unknown(pods.reason)
    return diagnose_needless_secret(observation, deployment, pods)


def _evidence(observation: Observed) -> str:
    package = observation.workload.image.package
    visibility = f"{package} is {observation.grant.visibility or 'not told of'}"
    tokens = [_grant(token) for token in observation.grant.tokens if isinstance(token, TokenGrant)]
    return f"{visibility}, and its pods hold {'; '.join(tokens) or 'no token'}"


def replace_token(
    world: World,
    workload: Workload,
    credential: Credential,
    revoke: Revoke,
    *,
    dry_run: bool = False,
) -> Change:
    """Put `credential` into the pull secret, and revoke the old token if it is unused now.

    Idempotent. Raises PullRecoveryError for a token with excess scopes, or one that the registry
    does not accept for the package: then nothing is changed, and nothing revoked.
    """
    old = observe_secret(world, workload).credentials
    where = f"Secret {workload.namespace}/{world.target.pull_secret}"
    if old == (credential,):
        return Change(f"nothing to do: {where} has this token already")
    new = observe_token(world, workload, credential)
    _check_least(world, workload, credential, new)
    before = [_line(each, observe_token(world, workload, each)) for each in old]
    if not dry_run:
        refresh_secret(world, workload, credential)
    others = tuple(each for each in old if each != credential)
    told = _retire(world, workload, others, revoke, dry_run=dry_run)
    diff = diff_of("\n".join(before), _line(credential, new), where)
    return Change(f"put a token with read:packages alone into {where}; {told}", diff)


def _check_least(
    world: World, workload: Workload, credential: Credential, seen: TokenGrant
) -> None:
    if seen.scopes != LEAST:
        raise PullRecoveryError(
            f"The new token must have read:packages alone; it has {_grant(seen)}."
        )
    probe = world.registry.tags(workload.image.package, credential)
    if not (probe.ok or probe.missing):
        package = workload.image.package
        raise PullRecoveryError(f"The registry refuses the new token for {package}: {probe}.")


def _retire(
    world: World,
    workload: Workload,
    old: tuple[Credential, ...],
    revoke: Revoke,
    *,
    dry_run: bool,
) -> str:
    """Revoke old tokens, except those with which another namespace of the target still pulls."""
    told = []
    for credential in old:
        users = namespaces_with(world, workload, (credential,))
        told.append(f"left the old one to {', '.join(users)}" if users else "revoked the old one")
        if not users and not dry_run:
            revoke(credential)
    return ", ".join(told) or "there was none"


def switch_visibility(
    world: World,
    workload: Workload,
    switch: Callable[[str, Visibility], None],
    *,
    dry_run: bool = False,
) -> Change:
    """Set the target's visibility on the package by `switch(package, visibility)`; idempotent.

    GitHub's API has no call for it: a user sets it in the package's settings.
    """
    image, wanted = workload.image, workload.visibility
    packages = world.github.packages(image.owner, world.reader.token)
    found = packages.visibility(image.name)
    if found == wanted:
        return Change(f"nothing to do: {image.package} is {wanted} already")
    if not dry_run:
        switch(image.package, wanted)
    diff = diff_of(f"visibility: {found}", f"visibility: {wanted}", image.package)
    return Change(f"made {image.package} {wanted}", diff)


def remove_needless_secret(
    world: World, workload: Workload, revoke: Revoke, *, dry_run: bool = False
) -> Change:
    """Unwire and delete the pull secret of a public package, and revoke its token.

    Idempotent. Only the values are edited if a private workload shares the namespace. Pods have
    their pull secrets until the release is upgraded.
    """
    name, namespace = world.target.pull_secret, workload.namespace
    diffs = [_unwire_values(workload, name, dry_run=dry_run)]
    shared = needed_by_others(workload, world.target.workloads)
    if not shared:
        diffs.append(_unwire_account(world, namespace, name, dry_run=dry_run))
        diffs.append(_delete_secret(world, workload, revoke, dry_run=dry_run))
    diff = "\n".join(each for each in diffs if each)
    if not diff:
        return Change(f"nothing to do: {workload.name} is given no Secret {namespace}/{name}")
    return Change(f"took Secret {namespace}/{name} from {workload.name}", diff)


def _unwire_values(workload: Workload, name: str, *, dry_run: bool) -> str:
    file = workload.values_file
    before = file.read_text()
    after = edited(before, {workload.pull_secrets_key: lambda old: _without(old, name)})
    if not _names(before, after, name):
        return ""
    if not dry_run:
        file.write_text(after)
    return diff_of(before, after, file.name)


def _names(before: str, after: str, name: str) -> bool:
    """Whether the edit removed the name, and did not only reformat the file."""
    return before.count(name) > after.count(name)


def _unwire_account(world: World, namespace: str, name: str, *, dry_run: bool) -> str:
    account = world.core.read_namespaced_service_account("default", namespace)
    before = [entry.name for entry in account.image_pull_secrets or ()]
    after = [each for each in before if each != name]
    if before == after:
        return ""
    if not dry_run:
        entries = [{"name": each} for each in after]
        body = {"imagePullSecrets": entries or None}
        world.core.patch_namespaced_service_account("default", namespace, body)
    return diff_of("\n".join(before), "\n".join(after), f"ServiceAccount {namespace}/default")


def _delete_secret(world: World, workload: Workload, revoke: Revoke, *, dry_run: bool) -> str:
    seen = observe_secret(world, workload)
    if not seen.exists:
        return ""
    if not dry_run:
        tolerate_missing(world.core.delete_namespaced_secret, seen.name, seen.namespace)
    _retire(world, workload, seen.credentials, revoke, dry_run=dry_run)
    return diff_of("\n".join(seen.servers), "", f"Secret {seen.namespace}/{seen.name}")


def _without(entries: object, name: str) -> list[object]:
    listed = list(entries) if isinstance(entries, list) else []
    return [entry for entry in listed if entry not in ({"name": name}, name)]


def _line(credential: Credential, seen: TokenGrant) -> str:
    """A description of a token without the token: its owner, and what it may do."""
    return f"a token of {credential.login} with {_grant(seen)}"


def _grant(seen: TokenGrant) -> str:
    if seen.scopes is None:
        return f"no scopes ({seen.status} {seen.message})".replace(" )", ")")
    ends = f"until {seen.expires}" if seen.expires else "without an end"
    return f"{', '.join(sorted(seen.scopes)) or 'no scope'}, {ends}"
