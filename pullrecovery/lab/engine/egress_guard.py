"""Reject and count all connections from the node and the runner to outside of the lab.

The name ghcr.io resolves to the lab's emulator, but a name alone proves nothing. So the node
rejects each new connection, including its pods', to any address outside of the lab's own networks,
before a packet leaves the node.
"""

import docker
from docker.models.containers import Container

from pullrecovery.common.errors import LabError
from pullrecovery.common.wait import WaitError, wait_for
from pullrecovery.lab.engine.containers import run_in
from pullrecovery.lab.paths import NAME

CHAIN = "PULL-RECOVERY-EGRESS"
# A chain for the container's incoming DNS questions at Docker's name server; empty by default.
NAMES_CHAIN = "PULL-RECOVERY-NAMES"
# The port of the discard service; deliberate attempts at it are counted separately.
PROBE_PORT = 9
_LISTED_WITHIN = 10.0
# Two things are refused and not counted, because they are no attempts to pull: multicast group
# reports of a bridge, and DNS questions. The node sends those to the engine, which asks other
# servers for names it does not know.
_SCRIPT = """\
set -e
iptables -N {chain} 2>/dev/null || iptables -F {chain}
for network in 127.0.0.0/8 {networks}; do iptables -A {chain} -d "$network" -j RETURN; done
iptables -A {chain} -d 224.0.0.0/4 -j DROP
iptables -A {chain} -p udp --dport 53 -j REJECT
iptables -A {chain} -p tcp --dport 53 -j REJECT
iptables -A {chain} -p tcp --dport {port} -m comment --comment probes -j REJECT
iptables -A {chain} -m conntrack --ctstate NEW -m comment --comment attempts -j REJECT
for hook in OUTPUT FORWARD; do
  iptables -C $hook -j {chain} 2>/dev/null || iptables -I $hook 1 -j {chain}
done
iptables -N {names} 2>/dev/null || iptables -F {names}
iptables -C INPUT -i lo -j {names} 2>/dev/null || iptables -I INPUT 1 -i lo -j {names}
"""


def guard(client: docker.DockerClient, node: str, inner: tuple[str, ...]) -> None:
    """Install the guard in `node` with new counters.

    `inner` are the pod and service networks (CIDR).
    """
    networks = [*lab_networks(client), *inner]
    script = _SCRIPT.format(
        chain=CHAIN, networks=" ".join(networks), port=PROBE_PORT, names=NAMES_CHAIN
    )
    _in_node(client.containers.get(node), ["sh", "-c", script])


def lab_networks(client: docker.DockerClient) -> list[str]:
    """Return the lab's own networks in CIDR notation."""
    config = client.networks.get(NAME).attrs["IPAM"]["Config"] or []
    return [str(each["Subnet"]) for each in config if ":" not in str(each["Subnet"])]


def attempts(client: docker.DockerClient, node: str) -> int:
    """Return how many connections to outside of the lab were tried since the guard's start."""
    return _count(client, node, "attempts")


def probes(client: docker.DockerClient, node: str) -> int:
    """Return how many connections were tried deliberately, at the port for that."""
    return _count(client, node, "probes")


def _count(client: docker.DockerClient, node: str, rule: str) -> int:
    container = client.containers.get(node)

    def look() -> str:
        return _in_node(container, ["iptables", "-nvxL", CHAIN])

    def counts(listed: str) -> list[int]:
        lines = (line for line in listed.splitlines() if f"/* {rule} */" in line)
        return [int(line.split()[0]) for line in lines]

    # If kube-proxy writes its rules at the same time, the list can lack some of these rules.
    what = f"the guard of {node} against leaving the lab is listed (make lab puts it back)"
    try:
        found = wait_for(what, look, lambda text: len(counts(text)) == 1, timeout=_LISTED_WITHIN)
    except WaitError as error:
        raise LabError(str(error)) from error
    return counts(found)[0]


def _in_node(container: Container, command: list[str]) -> str:
    return run_in(
        container, command, f"The node {container.name} has no guard against leaving the lab"
    )
