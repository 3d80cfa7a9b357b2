"""Diagnose the pull secret and the credentials of a pod."""

import json
from dataclasses import replace
from shlex import quote

from pullrecovery.diagnosis.external import external
from pullrecovery.diagnosis.fix_text import OBSERVE, READ, make_secret, refresh_secret
from pullrecovery.diagnosis.wiring import diagnose_pods, diagnose_wiring
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import PodStatus, PullSecret, PullSecretEntry
from pullrecovery.model.observed import Observed
from pullrecovery.model.probe import Probe
from pullrecovery.model.target import Image, Target
from pullrecovery.model.verdict import Cause, Verdict, all_named, fails
from pullrecovery.registry.client_output import Meaning, forbidding_owner, meaning_of_probe
from pullrecovery.registry.keyring import DOCKER_CONFIG_JSON, in_order

_FINE_GRAINED = "github_pat_"
_SHOWN = 3


def diagnose_credential(target: Target, secret: PullSecret) -> Verdict | None:
    """Diagnose the pull secret; None if the registry accepts one of its credentials."""
    where = _where(secret)
    if not secret.exists:
        return _diagnose_missing(target, secret)
    if secret.type != DOCKER_CONFIG_JSON:
        delete = f"kubectl -n {quote(secret.namespace)} delete secret {quote(secret.name)}"
        again = f"{delete} && {_make(target, secret)}"
        wrong_type = fails(Cause.SECRET_WRONG_TYPE, f"{where} is of type {secret.type}", again)
        return all_named(wrong_type, _diagnose_unreadable(target, secret))
    if secret.problem:
        return _diagnose_unreadable(target, secret)
    refresh = refresh_secret(target, secret.name, secret.namespace)
    if not secret.entries:
        servers = ", ".join(secret.servers) or "no server"
        return fails(Cause.SECRET_WRONG_SERVER, f"{where} is for {servers}", refresh)
    found = [_diagnose_entry(secret, entry, refresh) for entry in secret.entries]
    # The kubelet tries them all, so one that is accepted is enough.
    return None if None in found else all_named(*found)


def diagnose_effective(observation: Observed, pod: PodStatus) -> Verdict | None:
    """Every cause that stops the pod's own credentials from pulling, Secret before wiring.

    None if the registry accepts one of them now.
    """
    secret = observation.optional(Observed.secret)
    pull_secrets = observation.optional(Observed.pull_secrets)
    if isinstance(secret, NotObserved):
        return _diagnose_unobserved(observation, pod, secret)
    if isinstance(pull_secrets, NotObserved):
        return _diagnose_unobserved(observation, pod, pull_secrets)
    image = observation.workload.image
    if any(entry.accepted for entry in effective_entries(pull_secrets, pod, image)):
        return None
    own = tuple(each for each in pull_secrets if each.name in pod.pull_secrets)
    unreadable = [_diagnose_unreadable(observation.target, each) for each in own]
    return all_named(
        diagnose_credential(observation.target, secret),
        *unreadable,
        diagnose_wiring(observation),
        diagnose_pods(observation, (pod,)),
    )


def _diagnose_unobserved(observation: Observed, pod: PodStatus, why: NotObserved) -> Verdict:
    """Diagnose a refused pod without its Secrets: only the wiring can be named, or no cause."""
    named = all_named(diagnose_wiring(observation), diagnose_pods(observation, (pod,)))
    if named is None:
        return fails(Cause.UNKNOWN, why.reason, OBSERVE)
    if why.reason in named.evidence:
        return named
    return replace(named, evidence=f"{named.evidence}; {why.reason}")


def effective_entries(
    pull_secrets: tuple[PullSecret, ...], pod: PodStatus, image: Image
) -> tuple[PullSecretEntry, ...]:
    """The entries of all the pod's Secrets that apply to the image, in the kubelet's order.

    Empty if one of the Secrets cannot be decoded.
    """
    by_name = {secret.name: secret for secret in pull_secrets}
    own = [by_name[name] for name in pod.pull_secrets if name in by_name]
    if any(secret.problem for secret in own):
        return ()
    entries = ((entry.server, entry) for secret in own for entry in secret.entries)
    return tuple(entry for _, entry in in_order(entries, image.repository))


def _where(secret: PullSecret) -> str:
    return f"Secret {secret.namespace}/{secret.name}"


def _make(target: Target, secret: PullSecret) -> str:
    return make_secret(target, secret.name, secret.namespace)


def _diagnose_missing(target: Target, secret: PullSecret) -> Verdict:
    evidence = f"{_where(secret)} does not exist"
    if secret.other_names:
        other = secret.other_names[0]
        there = f"{evidence}; for the same registry there is {', '.join(secret.other_names)}"
        kubectl = f"kubectl -n {quote(secret.namespace)}"
        rename = quote(f".metadata = {{name: {json.dumps(secret.name)}}}")
        copy = (
            f"{kubectl} get secret {quote(other)} -o json | jq {rename} | {kubectl}"
            " apply --server-side -f -"
        )
        return fails(Cause.SECRET_WRONG_NAME, there, copy)
    if secret.in_namespaces:
        more = len(secret.in_namespaces) - _SHOWN
        shown = ", ".join(secret.in_namespaces[:_SHOWN]) + (f" and {more} more" * (more > 0))
        evidence = f"{evidence}; pods take none of another namespace, and it is in {shown}"
    if secret.unsought:
        evidence = f"{evidence}; not allowed to {secret.unsought}, so the like was not looked for"
    return fails(Cause.SECRET_MISSING, evidence, _make(target, secret))


def _diagnose_unreadable(target: Target, secret: PullSecret) -> Verdict | None:
    if not secret.problem:
        return None
    evidence = f"{_where(secret)}: {secret.problem}"
    return fails(Cause.SECRET_UNREADABLE, evidence, _make(target, secret))


def _diagnose_entry(secret: PullSecret, entry: PullSecretEntry, refresh: str) -> Verdict | None:
    """Why the registry rejects one entry; None if it accepts it."""
    where, probe = _where(secret), entry.probe
    kind = "fine-grained token" if entry.credential.token.startswith(_FINE_GRAINED) else "token"
    evidence = f"{where}: {probe} (the {kind} of its entry {entry.server})"
    if entry.accepted:
        return None
    if probe.failure:
        return external(probe.failure, evidence)
    if not entry.credential.token:
        empty = f"{where}: its entry {entry.server} has no token, so nobody asks; {probe}"
        return fails(Cause.CREDENTIAL_EMPTY, empty, refresh)
    return _diagnose_refusal(probe, evidence, refresh)


def _diagnose_refusal(probe: Probe, evidence: str, refresh: str) -> Verdict:
    if probe.stage == "token" and probe.status == 403:
        return fails(Cause.CREDENTIAL_REJECTED, evidence, f"make a new token, then {refresh}")
    meaning = meaning_of_probe(probe)
    if meaning is Meaning.SCOPE_MISSING:
        scope = "give the token, which must be a classic one, the scope read:packages"
        return fails(Cause.SCOPE_MISSING, evidence, f"{scope}, then {refresh}")
    if meaning is Meaning.SSO_MISSING:
        return fails(Cause.SSO_MISSING, evidence, "authorise the token for the organisation's SSO")
    if meaning is Meaning.CLASSIC_FORBIDDEN:
        allow = (
            f"have an owner of {forbidding_owner(probe)} allow classic tokens in its settings, as"
            " packages are read with no other personal token"
        )
        return fails(Cause.CLASSIC_FORBIDDEN, evidence, allow)
    if meaning is Meaning.FORBIDDEN:
        grant = "give the token's owner read access to the package"
        return fails(Cause.PERMISSION_MISSING, evidence, f"{grant} in the package's settings")
    return fails(Cause.UNKNOWN, evidence, READ)
