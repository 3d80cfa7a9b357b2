"""Diagnose whether a pod gets the pull secret, and how to wire it."""

from shlex import join as shlex_join
from shlex import quote

from pullrecovery.diagnosis.application import stale
from pullrecovery.model.observation import Observation, PodStatus
from pullrecovery.model.verdict import Cause, Verdict, fails


def is_wired(observation: Observation) -> bool:
    """Whether a new pod of the workload would get the pull secret."""
    return observation.target.pull_secret in observation.deployment.pull_secrets


def diagnose_wiring(observation: Observation) -> Verdict | None:
    """Why a new pod would not get the pull secret; None if it would."""
    if is_wired(observation):
        return None
    return _diagnose_elsewhere(observation) or fails(
        Cause.NOT_WIRED,
        _neither(observation),
        _set(observation, "set", observation.target.pull_secret),
    )


def diagnose_pods(observation: Observation, pods: tuple[PodStatus, ...]) -> Verdict | None:
    """Which pods lack the pull secret that a new one would get; None if none does."""
    name = observation.target.pull_secret
    stale = [pod.name for pod in pods if name not in pod.pull_secrets]
    if not stale or not is_wired(observation):
        return None
    return fails(
        Cause.PODS_STALE,
        f"made before the wiring: {', '.join(stale)}",
        recreate(observation, stale),
    )


def recreate(observation: Observation, names: list[str]) -> str:
    """The command that recreates these pods."""
    return f"kubectl -n {quote(observation.workload.namespace)} delete pod {shlex_join(names)}"


def _diagnose_elsewhere(observation: Observation) -> Verdict | None:
    """Diagnose a pull secret that is named in a place that does not reach the pods."""
    deployment, name, key = (
        observation.deployment,
        observation.target.pull_secret,
        observation.workload.pull_secrets_key,
    )
    account = f"ServiceAccount {deployment.service_account}"
    if deployment.template_pull_secrets and name in deployment.service_account_pull_secrets:
        evidence = (
            f"{account} names {name}, and the pod template's own list"
            f" {list(deployment.template_pull_secrets)} hides it"
        )
        return fails(Cause.WIRING_HIDDEN, evidence, _set(observation, "add to", name))
    if key in observation.wiring.values_keys:
        evidence = f"the values name {name} under {key}; {_neither(observation)}"
        return stale(observation, evidence)
    if observation.wiring.values_keys:
        wrong = ", ".join(observation.wiring.values_keys)
        evidence = f"the values name {name} under {wrong}, and the chart reads {key}"
        instead = _set(observation, f"instead of {wrong} set", name)
        return fails(Cause.WIRED_BY_OTHER_KEY, evidence, instead)
    missing = [
        pull_secret.name for pull_secret in observation.pull_secrets if not pull_secret.exists
    ]
    if missing and set(missing) == set(deployment.pull_secrets):
        evidence = f"pods are given {', '.join(missing)}, of which there is no Secret"
        return fails(Cause.WIRED_BY_OTHER_NAME, evidence, _set(observation, "set", name))
    if name in observation.wiring.default_account and deployment.service_account != "default":
        evidence = f"ServiceAccount default names {name}, and the pods run as {account}"
        return fails(Cause.WIRED_TO_OTHER_ACCOUNT, evidence, _set(observation, "set", name))
    return None


def _neither(observation: Observation) -> str:
    deployment = observation.deployment
    return (
        f"{observation.target.pull_secret} is named neither in the pod template"
        f" {list(deployment.template_pull_secrets)} nor by ServiceAccount"
        f" {deployment.service_account} {list(deployment.service_account_pull_secrets)}"
    )


def _set(observation: Observation, how: str, name: str) -> str:
    """The edit and the command that wire the pull secret by the chart's values."""
    workload = observation.workload
    file = workload.place_of(workload.values_file)
    edit = f"{how} {workload.pull_secrets_key}: [{{name: {name}}}] in {file}"
    return workload.upgrade_after(edit)
