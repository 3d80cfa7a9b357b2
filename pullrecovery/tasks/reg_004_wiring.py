"""REG-004: wire the pull secret to the workload.

A, preferred: the chart's own values key. B, fallback: the namespace's default
ServiceAccount, whose pods must then be made anew; it is void for a chart that
brings its own ServiceAccount.
"""

from pullrecovery.diagnosis.wiring import is_wired, wiring_remedy
from pullrecovery.model import Cause, Verdict, Workload, fails, holds
from pullrecovery.observation import Observation
from pullrecovery.values import edit_values
from pullrecovery.world import World


def reg_004(seen: Observation) -> Verdict:
    """Holds when the ServiceAccount or the pod template names the Secret and live pods carry it."""
    name = seen.target.pull_secret
    if not is_wired(seen):
        deployment = seen.deployment
        account = f"ServiceAccount {deployment.service_account}"
        evidence = (
            f"{name} is named neither in the pod template {list(deployment.template_pull_secrets)}"
            f" nor by {account} {list(deployment.service_account_pull_secrets)}"
        )
        return fails(Cause.NOT_WIRED, evidence, wiring_remedy(seen))
    stale = [pod.name for pod in seen.pods if name not in pod.pull_secrets]
    if stale:
        remedy = f"kubectl -n {seen.workload.namespace} delete pod {' '.join(stale)}"
        return fails(Cause.PODS_STALE, f"made before the wiring: {', '.join(stale)}", remedy)
    return holds()


def wire_values(world: World, workload: Workload) -> str:
    """A: name the Secret under the chart's values key, keeping what is listed there."""
    wanted = {"name": world.target.pull_secret}
    edit_values(workload.values_file, workload.pull_secrets_key, lambda old: _with(old, wanted))
    return f"set {workload.pull_secrets_key} in {workload.values_file.name}"


def wire_service_account(world: World, workload: Workload) -> str:
    """B: add the Secret to the default ServiceAccount, keeping other people's entries."""
    core, namespace = world.core, workload.namespace
    account = core.read_namespaced_service_account("default", namespace)
    entries = [{"name": entry.name} for entry in account.image_pull_secrets or ()]
    wanted = _with(entries, {"name": world.target.pull_secret})
    core.patch_namespaced_service_account("default", namespace, {"imagePullSecrets": wanted})
    return f"patched ServiceAccount {namespace}/default"


def _with(entries: object, wanted: dict[str, str]) -> list[object]:
    listed = list(entries) if isinstance(entries, list) else []
    return listed if wanted in listed else [*listed, wanted]
