"""A container engine: where it answers, and whether the lab can run in it."""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException

_NO_LOGINS = Path(__file__).with_name("no_logins.json")


@dataclass(frozen=True)
class Engine:
    """A reachable engine. `owned` says that the lab started it and so will stop it."""

    host: str
    owned: bool

    def client(self) -> docker.DockerClient:
        """A client of this engine that knows no login: the SDK sends all it knows with a build."""
        client = docker.DockerClient(base_url=self.host, timeout=600)
        client.api.reload_config(dockercfg_path=str(_NO_LOGINS))
        return client


def answers(host: str) -> bool:
    """True if an engine answers a ping at `host`."""
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
    """False for a socket file without a listener; docker's client would leak a socket there."""
    if not host.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        return probe.connect_ex(host.removeprefix("unix://")) == 0


@dataclass(frozen=True)
class EngineFacts:
    """What an engine says of itself, as far as the lab depends on it."""

    product: str
    version: str
    system: str
    rootless: bool
    cgroup: str

    def __str__(self) -> str:
        mode = ", rootless" if self.rootless else ""
        return f"{self.product} {self.version}{mode}, cgroup v{self.cgroup}"


def facts_of(version: dict[str, Any], info: dict[str, Any]) -> EngineFacts:
    """Read them from the answers to `GET /version` and `GET /info` of the Docker Engine API."""
    components = [str(part.get("Name", "")) for part in version.get("Components") or ()]
    podman = any("podman" in name.lower() for name in components)
    return EngineFacts(
        product="Podman" if podman else "Docker",
        version=str(version.get("Version", "?")),
        system=str(info.get("OSType", "linux")),
        rootless="name=rootless" in (info.get("SecurityOptions") or ()),
        # Engines before 20.10 do not say it, and know version 1 alone.
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
    """The reason why the lab cannot run in such an engine, with what to do; '' if it can."""
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
