"""The stand-in's names taken off the lab's network: to whoever asks there, ghcr.io is no host.

Docker's own name server knows a container by its aliases, which can be changed only by connecting
it anew. It keeps its address: names may have been looked up before. The stand-in's host name is
none of ghcr.io's for the same reason: newer engines resolve it too.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.models.networks import Network

from pullrecovery.errors import LabError
from pullrecovery.lab.paths import NAME
from pullrecovery.lab.stand_in import CONTAINER, StandIn
from pullrecovery.wait import wait_for

_RESOLV, _KEPT = "/etc/resolv.conf", "/run/resolv.conf.kept"
_IMPATIENT = "options timeout:1 attempts:1"


@contextmanager
def names_dropped(
    client: docker.DockerClient, stand_in: StandIn, asking: Iterable[str] = ()
) -> Iterator[None]:
    """Have the stand-in's names resolve to nothing for the length of the block.

    The containers that `asking` names give a question up after one second and one try: an engine
    that can ask nobody else leaves it open, and a resolver's usual patience is about a minute.
    Raises LabError where the stand-in is not on the lab's network, or cannot keep its address.
    """
    with ExitStack() as stack:
        for name in asking:
            stack.enter_context(_impatient(client.containers.get(name)))
        stack.enter_context(_without_aliases(client, stand_in))
        yield


@contextmanager
def _impatient(container: Container) -> Iterator[None]:
    """Set short time-outs in the container's resolv.conf, which Go's resolver reads anew."""
    _execute(container, f"cp {_RESOLV} {_KEPT} && echo '{_IMPATIENT}' >> {_RESOLV}")
    try:
        yield
    finally:
        # The engine has mounted the file: its content can be changed, but not its place.
        _execute(container, f"cat {_KEPT} > {_RESOLV} && rm {_KEPT}")


def _execute(container: Container, script: str) -> None:
    done = container.exec_run(["sh", "-c", script])
    if done.exit_code != 0:
        raise LabError(f"{container.name}: {script}: {done.output!r}")


@contextmanager
def _without_aliases(client: docker.DockerClient, stand_in: StandIn) -> Iterator[None]:
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
