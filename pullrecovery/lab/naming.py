"""The stand-in's names taken off the lab's network: to whoever asks there, ghcr.io is no host.

Docker's own name server knows a container by its aliases, which can be changed only by connecting
it anew. It keeps its address: names may have been looked up before. The stand-in's host name is
none of ghcr.io's for the same reason: newer engines resolve it too.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.models.networks import Network

from pullrecovery.errors import LabError
from pullrecovery.lab.paths import NAME
from pullrecovery.lab.stand_in import CONTAINER, StandIn
from pullrecovery.wait import wait_for


@contextmanager
def names_dropped(client: docker.DockerClient, stand_in: StandIn) -> Iterator[None]:
    """Have the stand-in's names resolve to nothing for the length of the block.

    Raises LabError where the stand-in is not on the lab's network, or cannot keep its address.
    """
    network, container = client.networks.get(NAME), client.containers.get(CONTAINER)
    there = _endpoint(container)
    aliases, address = list(there["Aliases"] or ()), str(there["IPAddress"])
    try:
        _connect(network, container, [], address)
        _wait_until_it_answers(stand_in)
        yield
    finally:
        _connect(network, container, aliases, address)
        _wait_until_it_answers(stand_in)


def _endpoint(container: Container) -> dict[str, Any]:
    container.reload()
    networks: dict[str, dict[str, Any]] = container.attrs["NetworkSettings"]["Networks"]
    if not networks.get(NAME, {}).get("IPAddress"):
        raise LabError(f"{CONTAINER} is not on the network {NAME}; raise the lab (make lab).")
    return networks[NAME]


def _connect(network: Network, container: Container, aliases: list[str], address: str) -> None:
    """Connect it with these aliases alone, or with any address if this one cannot be had."""
    with suppress(NotFound):  # it may be off the network already
        network.disconnect(container)
    try:
        network.connect(container, aliases=aliases, ipv4_address=address)
    except APIError as error:
        network.connect(container, aliases=aliases)
        raise LabError(
            f"{CONTAINER} cannot keep {address} on the network {NAME}: {error.explanation};"
            " raise the lab anew (make lab-down lab)."
        ) from error


def _wait_until_it_answers(stand_in: StandIn) -> None:
    """Wait for the published ports, which are taken away and given anew with the network."""
    wait_for(
        "the stand-in's control API answers on the network",
        lambda: _answers(stand_in),
        lambda answers: answers,
        timeout=30,
    )


def _answers(stand_in: StandIn) -> bool:
    try:
        with stand_in.control(timeout=3) as control:
            return bool(control.instance())
    except LabError:
        return False
