"""What is wrong with who may read a package, or with what the cluster's token may do.

REG-008 is about too much, REG-003 about too little: a token that GitHub does not know any more, or
that lacks a scope, grants nothing, and is REG-003's.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from shlex import quote

from pullrecovery.diagnosis.advice import READ, refresh_secret
from pullrecovery.diagnosis.external import diagnose_probe, external
from pullrecovery.diagnosis.wiring import is_wired
from pullrecovery.model.grant import GrantSeen, TokenSeen
from pullrecovery.model.observation import Observation
from pullrecovery.model.probe import Trouble
from pullrecovery.model.target import Visibility, Workload
from pullrecovery.model.verdict import Cause, Verdict, all_named, fails

LEAST = frozenset({"read:packages"})
# Chosen: a week is what a person needs to notice, and to replace it in working hours.
ENDS_WITHIN = timedelta(days=7)
_OK = 200
# Not known any more; or an App's or a run's, which has no scopes, and is told nothing of itself.
_GRANTS_NOTHING = (401, 403)


def is_meant_to_be_public(seen: Observation) -> bool:
    """Whether the target wants the workload's package public, so that pods need no secret."""
    return seen.workload.visibility is Visibility.PUBLIC


def diagnose_visibility(seen: Observation) -> Verdict | None:
    """A package that others may read than the target says; None if it is as it should be.

    None too where GitHub tells nothing of the package: whether it exists is REG-001's.
    """
    told, wanted = seen.grant.visibility, seen.workload.visibility
    public = is_meant_to_be_public(seen)
    if not told or (told == Visibility.PUBLIC) is public:
        return None
    cause = Cause.PACKAGE_NOT_PUBLIC if public else Cause.PACKAGE_NOT_PRIVATE
    package = seen.workload.image.package
    return fails(
        cause,
        f"GitHub says that {package} is {told}; target.yaml wants it {wanted}",
        f"set the visibility of {package} to {wanted} in the package's settings on GitHub",
    )


def diagnose_needless_secret(seen: Observation) -> Verdict | None:
    """A pull secret that a public package does not need; None where there is none."""
    name, workload = seen.target.pull_secret, seen.workload
    if not carries_needless_secret(seen):
        return None
    where = f"{workload.namespace}/{name}"
    evidence = f"{workload.image.package} is public, and pods are given Secret {where}"
    key, file = workload.pull_secrets_key, workload.place_of(workload.values_file)
    shared = needed_by_others(workload, seen.target.workloads)
    edit = f"take {name} out of {key} in {file}{'' if shared else ' (and revoke its token after)'}"
    remedy = " && ".join((workload.upgrade_after(edit), *_remove_secret(seen)))
    return fails(Cause.SECRET_NEEDLESS, evidence, remedy)


def _remove_secret(seen: Observation) -> Iterator[str]:
    """The commands that take the Secret from the ServiceAccount and from pods, and delete it."""
    name, deployment = seen.target.pull_secret, seen.deployment
    if needed_by_others(seen.workload, seen.target.workloads):
        return
    kubectl = f"kubectl -n {quote(seen.workload.namespace)}"
    if name in seen.deployment.service_account_pull_secrets:
        entry = f".imagePullSecrets[]? | select(.name == {json.dumps(name)})"
        get = f"{kubectl} get serviceaccount {quote(deployment.service_account)} -o json"
        yield f"{get} | jq {quote(f'del({entry})')} | {kubectl} replace -f -"
    # Others are made anew by the upgrade, as their template changes.
    by_account = any(name in pod.pull_secrets for pod in seen.pods)
    if by_account and name not in deployment.template_pull_secrets:
        yield f"{kubectl} rollout restart {quote(f'deployment/{deployment.name}')}"
    if seen.secret.exists:
        yield f"{kubectl} delete secret {quote(name)}"


def carries_needless_secret(seen: Observation) -> bool:
    """Whether the workload has a pull secret, and no private one beside it is why."""
    name = seen.target.pull_secret
    if needed_by_others(seen.workload, seen.target.workloads):
        return name in seen.deployment.template_pull_secrets
    carried = any(name in pod.pull_secrets for pod in seen.pods)
    return seen.secret.exists or carried or is_wired(seen)


def needed_by_others(workload: Workload, workloads: tuple[Workload, ...]) -> bool:
    """Whether another workload of the same namespace has a private package."""
    return any(
        other.namespace == workload.namespace and other.visibility is not Visibility.PUBLIC
        for other in workloads
        if other.name != workload.name
    )


def diagnose_tokens(seen: Observation) -> Verdict | None:
    """Tokens that may do more than pull, or longer or elsewhere than they should; None if not."""
    found = (_diagnose_token(seen, token) for token in seen.grant.tokens)
    return all_named(*found, _diagnose_sso(seen), _diagnose_sharing(seen))


def _diagnose_token(seen: Observation, token: TokenSeen) -> Verdict | None:
    if token.status in _GRANTS_NOTHING:
        return None
    where, replace = _where(seen), _replace_command(seen)
    if token.scopes is None:
        said = f"{token.status} {token.message}".strip()
        evidence = f"GitHub names no scopes of the token of {where} ({said}): it is no classic one"
        return fails(Cause.TOKEN_NOT_CLASSIC, evidence, replace)
    excess = ", ".join(sorted(token.scopes - LEAST))
    if excess:
        evidence = f"the token of {where} has more than read:packages: {excess}"
        return fails(Cause.TOKEN_TOO_WIDE, evidence, replace)
    if ends_soon(token.expires, seen.grant):
        evidence = f"the token of {where} ends at {token.expires}"
        return fails(Cause.TOKEN_ENDS_SOON, evidence, replace)
    return None


def _diagnose_sso(seen: Observation) -> Verdict | None:
    """SSO is part of what a token is granted, and shows in the registry's answer to it."""
    for entry in seen.secret.entries:
        if "SAML enforcement" in entry.probe.message:
            evidence = f"{_where(seen)}: {entry.probe}"
            sso = "authorise the token for the organisation's SSO"
            return fails(Cause.SSO_MISSING, evidence, sso)
    return None


def _diagnose_sharing(seen: Observation) -> Verdict | None:
    shared = ", ".join(seen.grant.shared_with)
    if not shared:
        return None
    evidence = f"{shared} has the token of {seen.workload.namespace}, too"
    return fails(Cause.TOKEN_SHARED, evidence, _replace_command(seen, revoke=False))


def ends_soon(expires: datetime | None, grant: GrantSeen) -> bool:
    """Whether a token ends within ENDS_WITHIN of when it was seen."""
    return expires is not None and expires - grant.at <= ENDS_WITHIN


def diagnose_untold(seen: Observation) -> Verdict | None:
    """Nothing can be said of the grant, as GitHub or the registry did not tell; None if they did.

    A missing package is none of this: it has no visibility.
    """
    grant, package = seen.grant, seen.workload.image.package
    trouble = next((each for each in grant.troubles if each), None)
    if trouble:
        # Where the registry meets one too, it is the same, and may be told of better.
        return external(_met_by_the_registry(seen) or trouble, f"GitHub tells nothing of {package}")
    anonymous = grant.anonymous
    if anonymous is None or anonymous.ok or anonymous.missing or grant.status != _OK:
        return None
    what = f"{seen.workload.image.reference}, asked by nobody"
    unknown = fails(Cause.UNKNOWN, f"{what}: {anonymous}", READ)
    return diagnose_probe(what, anonymous) or unknown


def _met_by_the_registry(seen: Observation) -> Trouble | None:
    probes = (seen.wanted, *(entry.probe for entry in seen.secret.entries))
    return next((probe.trouble for probe in probes if probe.trouble), None)


def _replace_command(seen: Observation, *, revoke: bool = True) -> str:
    """What puts a token with read:packages alone in the place of the one there is."""
    put = refresh_secret(seen.target, seen.target.pull_secret, seen.workload.namespace)
    old = " and revoke the old one after this" if revoke else ""
    return f"make a classic token with read:packages alone{old}: {put}"


def _where(seen: Observation) -> str:
    return f"Secret {seen.secret.namespace}/{seen.secret.name}"
