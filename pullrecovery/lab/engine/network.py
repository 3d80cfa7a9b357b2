"""The lab's own docker network, where the name ghcr.io means the lab's."""

import socket
from contextlib import ExitStack

import docker
from docker.errors import NotFound

from pullrecovery.common.errors import LabError
from pullrecovery.lab.paths import LABEL, NAME


def ensure_network(client: docker.DockerClient) -> None:
    """Create the labelled network; a network of that name without our label is an error."""
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
    """Remove the lab's network; True if there was one."""
    found = client.networks.list(filters={"label": LABEL})
    for network in found:
        network.remove()
    return bool(found)


def free_ports(count: int) -> list[int]:
    """Ports of this host to publish on: the engine's own choice is another at each start."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in taken]
