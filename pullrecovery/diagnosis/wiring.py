"""Whether a new pod would be given the pull secret, and how to see to it."""

from pullrecovery.observation import Observation


def is_wired(seen: Observation) -> bool:
    """Whether a new pod of the workload would be given the pull secret.

    The ServiceAccount's list counts only where the pod template has none of its own.
    """
    template = seen.deployment.template_pull_secrets
    return seen.target.pull_secret in (template or seen.deployment.service_account_pull_secrets)


def wiring_remedy(seen: Observation) -> str:
    """The edit and the command that wire the pull secret by the chart's values."""
    workload = seen.workload
    return (
        f"set {workload.pull_secrets_key}: [{{name: {seen.target.pull_secret}}}]"
        f" in {workload.values_file}, then {workload.upgrade_command}"
    )
