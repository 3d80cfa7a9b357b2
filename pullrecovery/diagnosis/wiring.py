"""Diagnose whether a pod gets the pull secret, and how to wire it."""

from shlex import join as shlex_join
from shlex import quote

from pullrecovery.diagnosis.application import stale
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import DeploymentStatus, PodStatus
from pullrecovery.model.observed import Observed
from pullrecovery.model.target import Target
from pullrecovery.model.verdict import Cause, Verdict, fails


def is_wired(target: Target, deployment: DeploymentStatus) -> bool:
    """Whether a new pod of the Deployment would get the pull secret."""
    return target.pull_secret in deployment.pull_secrets


def diagnose_wiring(observation: Observed) -> Verdict | None:
    """Why a new pod would not get the pull secret; None if it would."""
    if is_wired(observation.target, observation.deployment):
        return None
    return _diagnose_elsewhere(observation) or fails(
        Cause.NOT_WIRED,
        "; ".join((_neither(observation), *_not_searched(observation))),
        _set(observation, "set", observation.target.pull_secret),
    )


def diagnose_pods(observation: Observed, pods: tuple[PodStatus, ...]) -> Verdict | None:
    """Which pods lack the pull secret that a new one would get; None if none does."""
    name = observation.target.pull_secret
    stale = [pod.name for pod in pods if name not in pod.pull_secrets]
    if not stale or not is_wired(observation.target, observation.deployment):
        return None
    return fails(
        Cause.PODS_STALE,
        f"made before the wiring: {', '.join(stale)}",
        recreate(observation, stale),
    )


def recreate(observation: Observed, names: list[str]) -> str:
    """The command that recreates these pods."""
    return f"kubectl -n {quote(observation.workload.namespace)} delete pod {shlex_join(names)}"


def _diagnose_elsewhere(observation: Observed) -> Verdict | None:
    """Diagnose a pull secret that is named in a place that does not reach the pods."""
    deployment, name = observation.deployment, observation.target.pull_secret
    account = f"ServiceAccount {deployment.service_account}"
    if deployment.template_pull_secrets and name in deployment.service_account_pull_secrets:
        evidence = (
            f"{account} names {name}, and the pod template's own list"
            f" {list(deployment.template_pull_secrets)} hides it"
        )
        return fails(Cause.WIRING_HIDDEN, evidence, _set(observation, "add to", name))
    return (
        _diagnose_values(observation)
        or _diagnose_name(observation)
        or _diagnose_account(observation)
    )


def _diagnose_values(observation: Observed) -> Verdict | None:
    """Diagnose values that name the pull secret: the release is stale, or the key is another."""
    wiring = observation.optional(Observed.wiring)
    if isinstance(wiring, NotObserved):
        return None
    name, key = observation.target.pull_secret, observation.workload.pull_secrets_key
    if key in wiring.values_keys:
        evidence = f"the values name {name} under {key}; {_neither(observation)}"
        return stale(observation, evidence)
    if wiring.values_keys:
        wrong = ", ".join(wiring.values_keys)
        evidence = f"the values name {name} under {wrong}, and the chart reads {key}"
        instead = _set(observation, f"instead of {wrong} set", name)
        return fails(Cause.WIRED_BY_OTHER_KEY, evidence, instead)
    return None


def _diagnose_name(observation: Observed) -> Verdict | None:
    """Diagnose pods that get only pull secrets that do not exist."""
    pull_secrets = observation.optional(Observed.pull_secrets)
    if isinstance(pull_secrets, NotObserved):
        return None
    missing = [pull_secret.name for pull_secret in pull_secrets if not pull_secret.exists]
    if not missing or set(missing) != set(observation.deployment.pull_secrets):
        return None
    evidence = f"pods are given {', '.join(missing)}, of which there is no Secret"
    fix = _set(observation, "set", observation.target.pull_secret)
    return fails(Cause.WIRED_BY_OTHER_NAME, evidence, fix)


def _diagnose_account(observation: Observed) -> Verdict | None:
    """Diagnose a pull secret of the default ServiceAccount, where pods run as another one."""
    wiring = observation.optional(Observed.wiring)
    name, account = observation.target.pull_secret, observation.deployment.service_account
    if isinstance(wiring, NotObserved) or account == "default":
        return None
    if name not in wiring.default_account:
        return None
    evidence = f"ServiceAccount default names {name}, and the pods run as ServiceAccount {account}"
    return fails(Cause.WIRED_TO_OTHER_ACCOUNT, evidence, _set(observation, "set", name))


def _not_searched(observation: Observed) -> list[str]:
    """Why a more specific cause was not looked for, once for each reason; empty if it was."""
    parts = (observation.optional(Observed.wiring), observation.optional(Observed.pull_secrets))
    return list(dict.fromkeys(part.reason for part in parts if isinstance(part, NotObserved)))


def _neither(observation: Observed) -> str:
    deployment = observation.deployment
    return (
        f"{observation.target.pull_secret} is named neither in the pod template"
        f" {list(deployment.template_pull_secrets)} nor by ServiceAccount"
        f" {deployment.service_account} {list(deployment.service_account_pull_secrets)}"
    )


def _set(observation: Observed, how: str, name: str) -> str:
    """The edit and the command that wire the pull secret by the chart's values."""
    workload = observation.workload
    file = workload.place_of(workload.values_file)
    edit = f"{how} {workload.pull_secrets_key}: [{{name: {name}}}] in {file}"
    return workload.upgrade_after(edit)
