"""The lab's own docker network, where the name ghcr.io resolves to the emulator."""

import socket
from contextlib import ExitStack

import docker
from docker.errors import NotFound

from pullrecovery.common.errors import LabError
from pullrecovery.lab.paths import LABEL, NAME


def ensure_network(client: docker.DockerClient) -> None:
    """Create the labelled network; raises LabError for a network of that name without the label."""
    try:
        found = client.networks.get(NAME)
    except NotFound:
        client.networks.create(NAME, driver="bridge", labels={LABEL: "network"})
        return
    if LABEL not in (found.attrs.get("Labels") or {}):
        raise LabError(
            f"A docker network named {NAME} exists that is not the lab's; rename or remove it"
            f" (docker network rm {NAME})."
        )


def remove_network(client: docker.DockerClient) -> bool:
    """Remove the lab's network; return True if there was one."""
    found = client.networks.list(filters={"label": LABEL})
    for network in found:
        network.remove()
    return bool(found)


def free_ports(count: int) -> list[int]:
    """Return free ports of this host, because the engine would choose others at each start."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in taken]
