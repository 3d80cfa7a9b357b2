"""Make the lab's name server refuse all questions, so that ghcr.io cannot be resolved.

Removing the emulator's names from the lab's network is not enough. For unknown names an engine asks
the machine's own name servers, which resolve the real ghcr.io or do not answer for as long as the
client waits.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import docker

from pullrecovery.lab.engine.containers import run_in
from pullrecovery.lab.engine.egress_guard import NAMES_CHAIN

# Docker's own name server in every container of a user-defined network.
_SERVER = "127.0.0.11"
# The rule is in the chain for incoming packets: in the outgoing one, the sender would get a
# permission error. Starting the lab empties the chain, so that no rule outlives a run.
_REFUSE = (
    "sh",
    "-c",
    " && ".join(
        f"iptables -A {NAMES_CHAIN} -d {_SERVER} -p {protocol} -j REJECT"
        for protocol in ("udp", "tcp")
    ),
)
_ANSWER = ("sh", "-c", f"iptables -F {NAMES_CHAIN}")


@contextmanager
def names_unanswered(client: docker.DockerClient, asking: Iterable[str]) -> Iterator[None]:
    """Refuse every DNS question of the containers `asking` during the block.

    The refusal is immediate, as on a machine without a name server. Questions of pods are still
    answered. Raises LabError if a container has no egress guard.
    """
    with ExitStack() as stack:
        for name in asking:
            container = client.containers.get(name)
            problem = f"{name}: no questions for names can be refused"
            # Registered before the change, so that a partial change is undone too.
            stack.callback(run_in, container, _ANSWER, problem)
            run_in(container, _REFUSE, problem)
        yield
