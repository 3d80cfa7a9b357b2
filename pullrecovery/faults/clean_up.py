"""Delete what a scenario created."""

from pullrecovery.common.wait import wait_for
from pullrecovery.model.target import Workload
from pullrecovery.world.world import World

_GONE_WITHIN = 60.0


def sweep_release(world: World, workload: Workload) -> None:
    """Delete what is left of an uninstalled release, without grace period, until nothing is."""
    selector = f"app.kubernetes.io/instance={workload.name}"

    def sweep() -> list[str]:
        place = {"namespace": workload.namespace, "label_selector": selector}
        left = world.apps.list_namespaced_replica_set(**place).items
        pods = world.core.list_namespaced_pod(**place).items
        if pods:
            world.core.delete_collection_namespaced_pod(**place, grace_period_seconds=0)
        return [each.metadata.name for each in (*left, *pods)]

    wait_for(f"{workload.name} is gone", sweep, lambda left: not left, timeout=_GONE_WITHIN)
