"""REG-004: wire the pull secret to the workload.

A, preferred: the chart's own values key. B, fallback: the namespace's default
ServiceAccount, whose pods must then be made anew; it is void for a chart that
brings its own ServiceAccount.
"""

from pullrecovery.diagnosis.wiring import diagnose_pods, diagnose_wiring
from pullrecovery.model import Verdict, Workload, holds
from pullrecovery.observation import Observation
from pullrecovery.values import edit_values
from pullrecovery.world import World


def reg_004(seen: Observation) -> Verdict:
    """Holds when the ServiceAccount or the pod template names the Secret and live pods carry it.

    Without a Deployment there are neither, which is REG-006's to say.
    """
    if not seen.deployment.exists:
        return holds("nothing is deployed that could be wired")
    return diagnose_wiring(seen) or diagnose_pods(seen, seen.pods) or holds()


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
