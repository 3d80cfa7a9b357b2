"""What is wrong with who may read a package, or with what the cluster's token may do.

REG-008 is about too much, REG-003 about too little: a token that GitHub does not know any more, or
that lacks a scope, grants nothing, and is REG-003's.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from shlex import quote

from pullrecovery.diagnosis.external import diagnose_probe, external
from pullrecovery.diagnosis.fix_text import READ, refresh_secret
from pullrecovery.diagnosis.wiring import is_wired
from pullrecovery.model.grant import PackageGrant, TokenGrant
from pullrecovery.model.observation import Observation
from pullrecovery.model.probe import RegistryFailure
from pullrecovery.model.target import Visibility, Workload
from pullrecovery.model.verdict import Cause, Verdict, all_named, fails

LEAST = frozenset({"read:packages"})
# Chosen: a week is what a person needs to notice, and to replace it in working hours.
ENDS_WITHIN = timedelta(days=7)
_OK = 200
# Not known any more; or an App's or a run's, which has no scopes, and is told nothing of itself.
_GRANTS_NOTHING = (401, 403)


def is_meant_to_be_public(observation: Observation) -> bool:
    """Whether the target wants the workload's package public, so that pods need no secret."""
    return observation.workload.visibility is Visibility.PUBLIC


def diagnose_visibility(observation: Observation) -> Verdict | None:
    """A package that others may read than the target says; None if it is as it should be.

    None too where GitHub tells nothing of the package: whether it exists is REG-001's.
    """
    told, wanted = observation.grant.visibility, observation.workload.visibility
    public = is_meant_to_be_public(observation)
    if not told or (told == Visibility.PUBLIC) is public:
        return None
    cause = Cause.PACKAGE_NOT_PUBLIC if public else Cause.PACKAGE_NOT_PRIVATE
    package = observation.workload.image.package
    return fails(
        cause,
        f"GitHub says that {package} is {told}; target.yaml wants it {wanted}",
        f"set the visibility of {package} to {wanted} in the package's settings on GitHub",
    )


def diagnose_needless_secret(observation: Observation) -> Verdict | None:
    """A pull secret that a public package does not need; None where there is none."""
    name, workload = observation.target.pull_secret, observation.workload
    if not carries_needless_secret(observation):
        return None
    where = f"{workload.namespace}/{name}"
    evidence = f"{workload.image.package} is public, and pods are given Secret {where}"
    key, file = workload.pull_secrets_key, workload.place_of(workload.values_file)
    shared = needed_by_others(workload, observation.target.workloads)
    edit = f"take {name} out of {key} in {file}{'' if shared else ' (and revoke its token after)'}"
    fix = " && ".join((workload.upgrade_after(edit), *_remove_secret(observation)))
    return fails(Cause.SECRET_NEEDLESS, evidence, fix)


def _remove_secret(observation: Observation) -> Iterator[str]:
    """The commands that take the Secret from the ServiceAccount and from pods, and delete it."""
    name, deployment = observation.target.pull_secret, observation.deployment
    if needed_by_others(observation.workload, observation.target.workloads):
        return
    kubectl = f"kubectl -n {quote(observation.workload.namespace)}"
    if name in observation.deployment.service_account_pull_secrets:
        entry = f".imagePullSecrets[]? | select(.name == {json.dumps(name)})"
        get = f"{kubectl} get serviceaccount {quote(deployment.service_account)} -o json"
        yield f"{get} | jq {quote(f'del({entry})')} | {kubectl} replace -f -"
    # Others are made anew by the upgrade, as their template changes.
    by_account = any(name in pod.pull_secrets for pod in observation.pods)
    if by_account and name not in deployment.template_pull_secrets:
        yield f"{kubectl} rollout restart {quote(f'deployment/{deployment.name}')}"
    if observation.secret.exists:
        yield f"{kubectl} delete secret {quote(name)}"


def carries_needless_secret(observation: Observation) -> bool:
    """Whether the workload has a pull secret, and no private one beside it is why."""
    name = observation.target.pull_secret
    if needed_by_others(observation.workload, observation.target.workloads):
        return name in observation.deployment.template_pull_secrets
    carried = any(name in pod.pull_secrets for pod in observation.pods)
    return observation.secret.exists or carried or is_wired(observation)


def needed_by_others(workload: Workload, workloads: tuple[Workload, ...]) -> bool:
    """Whether another workload of the same namespace has a private package."""
    return any(
        other.namespace == workload.namespace and other.visibility is not Visibility.PUBLIC
        for other in workloads
        if other.name != workload.name
    )


def diagnose_tokens(observation: Observation) -> Verdict | None:
    """Tokens that may do more than pull, or longer or elsewhere than they should; None if not."""
    found = (_diagnose_token(observation, token) for token in observation.grant.tokens)
    return all_named(*found, _diagnose_sso(observation), _diagnose_sharing(observation))


def _diagnose_token(observation: Observation, token: TokenGrant) -> Verdict | None:
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


def _diagnose_sso(observation: Observation) -> Verdict | None:
    """SSO is part of what a token is granted, and shows in the registry's answer to it."""
    for entry in observation.secret.entries:
        if "SAML enforcement" in entry.probe.message:
            evidence = f"{_where(observation)}: {entry.probe}"
            sso = "authorise the token for the organisation's SSO"
            return fails(Cause.SSO_MISSING, evidence, sso)
    return None


def _diagnose_sharing(observation: Observation) -> Verdict | None:
    shared = ", ".join(observation.grant.shared_with)
    if not shared:
        return None
    evidence = f"{shared} has the token of {observation.workload.namespace}, too"
    return fails(Cause.TOKEN_SHARED, evidence, _replace_command(observation, revoke=False))


def ends_soon(expires: datetime | None, grant: PackageGrant) -> bool:
    """Whether a token ends within ENDS_WITHIN of when it was seen."""
    return expires is not None and expires - grant.at <= ENDS_WITHIN


def diagnose_untold(observation: Observation) -> Verdict | None:
    """Nothing can be said of the grant, as GitHub or the registry did not tell; None if they did.

    A missing package is none of this: it has no visibility.
    """
    grant, package = observation.grant, observation.workload.image.package
    failure = next((failure for failure in grant.failures if failure), None)
    if failure:
        # Where the registry meets one too, it is the same, and may be told of better.
        return external(
            _met_by_the_registry(observation) or failure, f"GitHub tells nothing of {package}"
        )
    anonymous = grant.anonymous
    if anonymous is None or anonymous.ok or anonymous.missing or grant.status != _OK:
        return None
    what = f"{observation.workload.image.reference}, asked by nobody"
    unknown = fails(Cause.UNKNOWN, f"{what}: {anonymous}", READ)
    return diagnose_probe(what, anonymous) or unknown


def _met_by_the_registry(observation: Observation) -> RegistryFailure | None:
    probes = (observation.wanted, *(entry.probe for entry in observation.secret.entries))
    return next((probe.failure for probe in probes if probe.failure), None)


def _replace_command(observation: Observation, *, revoke: bool = True) -> str:
    """What puts a token with read:packages alone in the place of the one there is."""
    put = refresh_secret(
        observation.target, observation.target.pull_secret, observation.workload.namespace
    )
    old = " and revoke the old one after this" if revoke else ""
    return f"make a classic token with read:packages alone{old}: {put}"


def _where(observation: Observation) -> str:
    return f"Secret {observation.secret.namespace}/{observation.secret.name}"
