"""Ways in which a lab can lose a part before the next run begins."""

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from pullrecovery.common.wait import wait_for
from pullrecovery.lab.cluster.kind_cluster import NODE
from pullrecovery.lab.down import remove_lab
from pullrecovery.lab.engine.dockerd import engine_processes
from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.engine.pull_image import has_image
from pullrecovery.lab.engine.select_engine import running_engine
from pullrecovery.lab.images.base_rootfs import BaseImage
from pullrecovery.lab.images.node import NodeImage
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.registry.container import CONTAINER, HOST
from pullrecovery.lab.runner.container import CONTAINER as RUNNER
from pullrecovery.lab.tools import toolchain
from pullrecovery.lab.tools.toolchain import Tool, Toolchain
from pullrecovery.lab.tools.versions import KubernetesSet

# Small tools: Go builds them again in seconds from its own caches.
_TOOLS = (toolchain.KIND, toolchain.CNI, toolchain.PAUSE, toolchain.WEB_BASE)


@dataclass(frozen=True)
class Site:
    """The lab under trial: its paths and versions."""

    paths: Paths
    versions: KubernetesSet

    def engine(self) -> Engine | None:
        return running_engine(self.paths)

    def tools(self) -> Toolchain:
        return Toolchain(self.paths, Path("go"))

    def node(self) -> NodeImage:
        return NodeImage(self.versions, self.tools(), BaseImage(self.paths))


@dataclass(frozen=True)
class Loss:
    """Something to lose, and about how many seconds a smoke run takes afterwards."""

    name: str
    seconds: float
    lose: Callable[[Site], None]


def _nothing(_: Site) -> None:
    """Change nothing, so that the kill is mostly during the tests."""


def _lab(site: Site) -> None:
    remove_lab(site.paths, lambda _: None)


def _cluster(site: Site) -> None:
    _remove_container(site, NODE)


def _emulator(site: Site) -> None:
    _remove_container(site, CONTAINER)


def _runner(site: Site) -> None:
    _remove_container(site, RUNNER)


def _restarted_node(site: Site) -> None:
    client = _client(site)
    if client:
        _with_container(client, NODE, lambda node: node.restart(timeout=5))


def _certificate(site: Site) -> None:
    ca_file = site.paths.certs / HOST / "ca.crt"
    if ca_file.exists():
        ca_file.write_text("this CA fits nothing\n")


def _tools(site: Site) -> None:
    for tool in _TOOLS:
        _drop_tool(site, tool)


def _apps(site: Site) -> None:
    shutil.rmtree(site.paths.cache / "apps", ignore_errors=True)


def _node_image(site: Site) -> None:
    _cluster(site)
    _remove_images(site, site.node().tag)


def _root_file_system(site: Site) -> None:
    _node_image(site)
    _emulator(site)
    shutil.rmtree(site.paths.cache / "rootfs", ignore_errors=True)
    _remove_images(site, BaseImage(site.paths).tag)


def _dead_engine(_: Site) -> None:
    """Kill the lab's own daemon; its containers, pid file and socket are not removed."""
    daemons = [pid for pid in engine_processes() if _name(pid) == "dockerd"]
    for pid in daemons:
        os.kill(pid, signal.SIGKILL)
    wait_for(
        "dockerd is dead",
        lambda: set(daemons) & set(engine_processes()),
        lambda left: not left,
        timeout=20,
    )


LOSSES = (
    Loss("nothing", 40, _nothing),
    Loss("the lab", 65, _lab),
    Loss("the cluster", 60, _cluster),
    Loss("the GHCR emulator", 45, _emulator),
    Loss("the runner", 45, _runner),
    Loss("the node's state, by a restart", 60, _restarted_node),
    Loss("the CA", 45, _certificate),
    Loss("some tools", 60, _tools),
    Loss("the applications", 45, _apps),
    Loss("the node image", 90, _node_image),
    Loss("the root file system", 110, _root_file_system),
    Loss("the engine, killed", 70, _dead_engine),
)


def _client(site: Site) -> docker.DockerClient | None:
    engine = site.engine()
    return engine.client() if engine else None


def _remove_container(site: Site, name: str) -> None:
    client = _client(site)
    if client:
        _with_container(client, name, lambda container: container.remove(force=True, v=True))


def _with_container(
    client: docker.DockerClient, name: str, act: Callable[[Container], None]
) -> None:
    try:
        act(client.containers.get(name))
    except NotFound:
        # An earlier kill has removed it already.
        return


def _drop_tool(site: Site, tool: Tool) -> None:
    shutil.rmtree(site.tools().folder(tool), ignore_errors=True)


def _remove_images(site: Site, tag: str) -> None:
    client = _client(site)
    if client and has_image(client, tag):
        client.images.remove(tag, force=True)


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()
