"""A container engine: its address, and whether the lab can run in it."""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException

_NO_LOGINS = Path(__file__).with_name("no_logins.json")


@dataclass(frozen=True)
class Engine:
    """A reachable engine; `owned` says that the lab started it and will stop it."""

    host: str
    owned: bool

    def client(self) -> docker.DockerClient:
        """Return a client without registry logins.

        The SDK would send all logins that it knows with a build.
        """
        client = docker.DockerClient(base_url=self.host, timeout=600)
        client.api.reload_config(dockercfg_path=str(_NO_LOGINS))
        return client


def answers(host: str) -> bool:
    """Return whether an engine answers a ping at `host`."""
    if not _listens(host):
        return False
    try:
        client = docker.DockerClient(base_url=host, timeout=5)
        try:
            return bool(client.ping())
        finally:
            client.close()
    except (DockerException, OSError):
        return False


def _listens(host: str) -> bool:
    """Return whether a socket has a listener.

    Without one, docker's client would leak a socket.
    """
    if not host.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        return probe.connect_ex(host.removeprefix("unix://")) == 0


@dataclass(frozen=True)
class EngineFacts:
    """The facts about an engine that the lab depends on."""

    product: str
    version: str
    system: str
    rootless: bool
    cgroup: str

    def __str__(self) -> str:
        mode = ", rootless" if self.rootless else ""
        return f"{self.product} {self.version}{mode}, cgroup v{self.cgroup}"


def facts_of(version: dict[str, Any], info: dict[str, Any]) -> EngineFacts:
    """Read the facts from the Docker Engine API's `GET /version` and `GET /info`."""
    components = [str(part.get("Name", "")) for part in version.get("Components") or ()]
    podman = any("podman" in name.lower() for name in components)
    return EngineFacts(
        product="Podman" if podman else "Docker",
        version=str(version.get("Version", "?")),
        system=str(info.get("OSType", "linux")),
        rootless="name=rootless" in (info.get("SecurityOptions") or ()),
        # Engines before 20.10 do not report it, and support only version 1.
        cgroup=str(info.get("CgroupVersion") or "1"),
    )


def ask_facts(engine: Engine) -> EngineFacts:
    """Ask a running engine for its facts."""
    client = engine.client()
    try:
        return facts_of(client.version(), client.info())
    finally:
        client.close()


def why_unfit(facts: EngineFacts) -> str:
    """Return why the lab cannot run in such an engine, with the fix; '' if it can."""
    if facts.product == "Podman":
        return (
            "it is Podman's, in which the lab has not been proven: start Docker, and name its"
            " socket with DOCKER_HOST"
        )
    if facts.system != "linux":
        return f"it runs {facts.system} containers: switch it to Linux containers"
    if facts.rootless and facts.cgroup == "1":
        return (
            "it is rootless on a machine with cgroup v1, where kind runs no nodes: use the"
            " engine of root, or boot with systemd.unified_cgroup_hierarchy=1"
        )
    return ""
