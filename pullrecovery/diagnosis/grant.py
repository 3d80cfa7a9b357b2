"""Diagnose who may read a package, and what the cluster's token may do.

REG-008 covers excess access, REG-003 missing access: a token that GitHub does not recognise, or
that lacks a scope, grants nothing, and belongs to REG-003.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from shlex import quote

from pullrecovery.diagnosis.external import diagnose_probe, external
from pullrecovery.diagnosis.fix_text import READ, refresh_secret
from pullrecovery.diagnosis.wiring import is_wired
from pullrecovery.model.grant import PackageGrant, TokenGrant
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import DeploymentStatus, PodStatus
from pullrecovery.model.observed import Observed
from pullrecovery.model.probe import RegistryFailure
from pullrecovery.model.target import Visibility, Workload
from pullrecovery.model.verdict import Cause, Verdict, all_named, fails
from pullrecovery.registry.client_output import Meaning, meaning_of_probe

LEAST = frozenset({"read:packages"})
# Chosen: a week is enough to notice, and to replace the token in working hours.
ENDS_WITHIN = timedelta(days=7)
_OK = 200
# Not recognised; or the token of an App or a run, which has no scopes and cannot query itself.
_GRANTS_NOTHING = (401, 403)


def is_meant_to_be_public(workload: Workload) -> bool:
    """Whether the target wants the workload's package public, so that pods need no secret."""
    return workload.visibility is Visibility.PUBLIC


def diagnose_visibility(workload: Workload, grant: PackageGrant) -> Verdict | None:
    """Diagnose a package with another visibility than the target's; None if it is correct.

    None too if GitHub returns nothing about the package: whether it exists belongs to REG-001.
    """
    visibility, wanted = grant.visibility, workload.visibility
    public = is_meant_to_be_public(workload)
    if isinstance(visibility, NotObserved) or not visibility:
        return None
    if (visibility == Visibility.PUBLIC) is public:
        return None
    cause = Cause.PACKAGE_NOT_PUBLIC if public else Cause.PACKAGE_NOT_PRIVATE
    package = workload.image.package
    return fails(
        cause,
        f"GitHub says that {package} is {visibility}; target.yaml wants it {wanted}",
        f"set the visibility of {package} to {wanted} in the package's settings on GitHub",
    )


def diagnose_needless_secret(
    observation: Observed, deployment: DeploymentStatus, pods: tuple[PodStatus, ...]
) -> Verdict | None:
    """Diagnose a pull secret that a public package does not need; None if there is none."""
    name, workload = observation.target.pull_secret, observation.workload
    if not _carries_needless_secret(observation, deployment, pods):
        return None
    where = f"{workload.namespace}/{name}"
    evidence = f"{workload.image.package} is public, and pods are given Secret {where}"
    key, file = workload.pull_secrets_key, workload.place_of(workload.values_file)
    shared = needed_by_others(workload, observation.target.workloads)
    edit = f"take {name} out of {key} in {file}{'' if shared else ' (and revoke its token after)'}"
    removals = _remove_secret(observation, deployment, pods)
    fix = " && ".join((workload.upgrade_after(edit), *removals))
    return fails(Cause.SECRET_NEEDLESS, evidence, fix)


def _remove_secret(
    observation: Observed, deployment: DeploymentStatus, pods: tuple[PodStatus, ...]
) -> Iterator[str]:
    """The commands that remove the Secret from the ServiceAccount and from pods, and delete it."""
    name = observation.target.pull_secret
    if needed_by_others(observation.workload, observation.target.workloads):
        return
    kubectl = f"kubectl -n {quote(observation.workload.namespace)}"
    if name in deployment.service_account_pull_secrets:
        entry = f".imagePullSecrets[]? | select(.name == {json.dumps(name)})"
        get = f"{kubectl} get serviceaccount {quote(deployment.service_account)} -o json"
        yield f"{get} | jq {quote(f'del({entry})')} | {kubectl} replace -f -"
    # The upgrade recreates the other pods, because their template changes.
    by_account = any(name in pod.pull_secrets for pod in pods)
    if by_account and name not in deployment.template_pull_secrets:
        yield f"{kubectl} rollout restart {quote(f'deployment/{deployment.name}')}"
    if observation.secret.exists:
        yield f"{kubectl} delete secret {quote(name)}"


def _carries_needless_secret(
    observation: Observed, deployment: DeploymentStatus, pods: tuple[PodStatus, ...]
) -> bool:
    """Whether the workload has a pull secret that no private workload beside it needs."""
    name = observation.target.pull_secret
    if needed_by_others(observation.workload, observation.target.workloads):
        return name in deployment.template_pull_secrets
    carried = any(name in pod.pull_secrets for pod in pods)
    return observation.secret.exists or carried or is_wired(observation.target, deployment)


def needed_by_others(workload: Workload, workloads: tuple[Workload, ...]) -> bool:
    """Whether another workload of the namespace has a private package."""
    return any(
        other.namespace == workload.namespace and other.visibility is not Visibility.PUBLIC
        for other in workloads
        if other.name != workload.name
    )


def diagnose_tokens(observation: Observed) -> Verdict | None:
    """Diagnose tokens that may do more than pull, end soon, lack SSO or are shared.

    Returns None if there are none.
    """
    tokens = (token for token in observation.grant.tokens if isinstance(token, TokenGrant))
    wrong = (_diagnose_token(observation, token) for token in tokens)
    return all_named(*wrong, _diagnose_sso(observation), _diagnose_sharing(observation))


def _diagnose_token(observation: Observed, token: TokenGrant) -> Verdict | None:
    if token.status in _GRANTS_NOTHING:
        return None
    where, replace = _where(observation), _replace_command(observation)
    if token.scopes is None:
        said = f"{token.status} {token.message}".strip()
        evidence = f"GitHub names no scopes of the token of {where} ({said}): it is no classic one"
        return fails(Cause.TOKEN_NOT_CLASSIC, evidence, replace)
    excess = ", ".join(sorted(token.scopes - LEAST))
    if excess:
        evidence = f"the token of {where} has more than read:packages: {excess}"
        return fails(Cause.TOKEN_TOO_WIDE, evidence, replace)
    if ends_soon(token.expires, observation.grant):
        evidence = f"the token of {where} ends at {token.expires}"
        return fails(Cause.TOKEN_ENDS_SOON, evidence, replace)
    return None


def _diagnose_sso(observation: Observed) -> Verdict | None:
    """Diagnose a token without SSO authorisation, which the registry's answer to it shows."""
    for entry in observation.secret.entries:
        if meaning_of_probe(entry.probe) is Meaning.SSO_MISSING:
            evidence = f"{_where(observation)}: {entry.probe}"
            sso = "authorise the token for the organisation's SSO"
            return fails(Cause.SSO_MISSING, evidence, sso)
    return None


def _diagnose_sharing(observation: Observed) -> Verdict | None:
    shared = ", ".join(observation.grant.shared_with)
    if not shared:
        return None
    evidence = f"{shared} has the token of {observation.workload.namespace}, too"
    return fails(Cause.TOKEN_SHARED, evidence, _replace_command(observation, revoke=False))


def ends_soon(expires: datetime | None, grant: PackageGrant) -> bool:
    """Whether a token expires within ENDS_WITHIN of its observation."""
    return expires is not None and expires - grant.at <= ENDS_WITHIN


def diagnose_untold(observation: Observed) -> Verdict | None:
    """Diagnose why GitHub or the registry returned nothing about the grant; None if they did.

    A missing package is not diagnosed here, because it has no visibility.
    """
    grant, package = observation.grant, observation.workload.image.package
    failure = next((failure for failure in grant.failures if failure), None)
    if failure:
        # If the registry met a failure too, it is the same one, and its message may say more.
        return external(
            _met_by_the_registry(observation) or failure, f"GitHub tells nothing of {package}"
        )
    anonymous = grant.anonymous
    if anonymous is None or anonymous.ok or anonymous.missing or grant.status != _OK:
        return None
    what = f"{observation.workload.image.reference}, requested anonymously"
    unknown = fails(Cause.UNKNOWN, f"{what}: {anonymous}", READ)
    return diagnose_probe(what, anonymous) or unknown


def _met_by_the_registry(observation: Observed) -> RegistryFailure | None:
    wanted = observation.optional(Observed.wanted)
    probes = [] if isinstance(wanted, NotObserved) else [wanted]
    probes += [entry.probe for entry in observation.secret.entries]
    return next((probe.failure for probe in probes if probe.failure), None)


def _replace_command(observation: Observed, *, revoke: bool = True) -> str:
    """The instruction that replaces the token by one with only read:packages."""
    put = refresh_secret(
        observation.target, observation.target.pull_secret, observation.workload.namespace
    )
    old = " and revoke the old one after this" if revoke else ""
    return f"make a classic token with read:packages alone{old}: {put}"


def _where(observation: Observed) -> str:
    return f"Secret {observation.secret.namespace}/{observation.secret.name}"
