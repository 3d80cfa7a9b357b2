"""Which pull secrets pods get, and where else the target's pull secret is named."""

from pullrecovery.kube.workloads import account_secrets
from pullrecovery.model.observation import DeploymentStatus, PodStatus, PullSecretWiring
from pullrecovery.model.target import Workload
from pullrecovery.monorepo.values_file import keys_naming
from pullrecovery.world.read_only import ReadOnlyWorld


def given(deployment: DeploymentStatus, pods: tuple[PodStatus, ...]) -> tuple[str, ...]:
    """The names of all pull secrets that live pods, or a new pod, get; each once."""
    live = (name for pod in pods for name in pod.pull_secrets)
    return tuple(dict.fromkeys([*live, *deployment.pull_secrets]))


def observe_wiring(
    world: ReadOnlyWorld, workload: Workload, deployment: DeploymentStatus
) -> PullSecretWiring:
    """Search for other places that name the pull secret, if a new pod would not get it."""
    name = world.target.pull_secret
    if not deployment.exists or name in deployment.pull_secrets:
        return PullSecretWiring()
    files = (workload.chart / "values.yaml", *workload.values)
    return PullSecretWiring(
        values_keys=tuple(keys_naming(files, name)),
        default_account=account_secrets(world, workload.namespace, "default"),
    )
