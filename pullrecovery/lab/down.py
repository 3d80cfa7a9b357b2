"""Remove the lab, and report what exists of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import docker

from pullrecovery.lab.cluster.kind_cluster import KIND_LABEL, KindCluster
from pullrecovery.lab.cluster.tool_environment import applied, tool_environment
from pullrecovery.lab.engine.dockerd import OwnEngine
from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.engine.network import remove_network
from pullrecovery.lab.engine.select_engine import running_engine
from pullrecovery.lab.gitops.git_server import find_git_server
from pullrecovery.lab.lock import locked
from pullrecovery.lab.paths import LABEL, NAME, Paths
from pullrecovery.lab.registry.container import find_emulator
from pullrecovery.lab.runner.container import find_runner
from pullrecovery.lab.tools import toolchain
from pullrecovery.lab.tools.golang import find_go
from pullrecovery.lab.tools.toolchain import Toolchain
from pullrecovery.lab.up import build_dropcaps


def remove_lab(paths: Paths, say: Callable[[str], None]) -> list[str]:
    """Remove the cluster, the containers, the network, the lab's own engine and the state.

    Returns the names of what was removed. The cache is not removed. Objects are found by the lab's
    label, its network and kind's cluster label, never by a recorded list.
    """
    with locked(paths, say):
        engine = _engine_to_clean(paths, say)
        removed: list[str] = []
        if engine:
            removed += _delete_cluster(paths, engine)
            removed += _remove_objects(engine.client())
        own = OwnEngine(paths)
        if (engine and engine.owned) or own.left_traces():
            removed += ["container engine"] if own.stop() else []
        if paths.state.exists():
            shutil.rmtree(paths.state)
            removed.append("state folder")
    return removed


def _engine_to_clean(paths: Paths, say: Callable[[str], None]) -> Engine | None:
    """Return the engine that has the lab; start the lab's own dead engine in order to empty it."""
    own = OwnEngine(paths)
    found = running_engine(paths)
    if found or not own.holds_containers():
        return found
    say("the lab's container engine is dead and holds containers: starting it to empty it")
    tools = Toolchain(paths, find_go(paths))
    return own.start(lambda: build_dropcaps(tools), say)


def _delete_cluster(paths: Paths, engine: Engine) -> list[str]:
    """Delete the cluster with pytest-kubernetes; without kind, `_remove_objects` removes it."""
    cluster = KindCluster(paths, "")
    tools = Toolchain(paths, Path("go"))
    if not cluster.exists(engine.client()) or not tools.is_built(toolchain.KIND):
        return []
    # Deleting does not use kubectl, but the manager requires it.
    with applied(tool_environment(tools, "", engine, paths)):
        cluster.delete()
    return [f"cluster {NAME}"]


def _remove_objects(client: docker.DockerClient) -> list[str]:
    removed = []
    for label in (f"{KIND_LABEL}={NAME}", LABEL):
        for container in client.containers.list(all=True, filters={"label": label}):
            removed.append(f"container {container.name}")
            container.remove(force=True, v=True)
    if remove_network(client):
        removed.append(f"network {NAME}")
    for volume in client.volumes.list(filters={"label": LABEL}):
        removed.append(f"volume {volume.name}")
        volume.remove()
    return removed


def lab_status(paths: Paths) -> dict[str, object]:
    """Return the current state of the lab; read only."""
    engine = running_engine(paths)
    if not engine:
        return {"engine": "none answers"}
    client = engine.client()
    emulator = find_emulator(client, paths)
    readiness = KindCluster(paths, "").readiness()
    return {
        "engine": f"{engine.host}{' (started by the lab)' if engine.owned else ''}",
        "ghcr.io": f"https://127.0.0.1:{emulator.https_port}" if emulator else "not running",
        "runner": "ready" if find_runner(client, paths) else "not running",
        "cluster": "ready" if readiness.ready else "; ".join(readiness.missing),
        "git server": "ready" if find_git_server(client) else "not running",
        "kubeconfig": str(paths.kubeconfig),
    }
