"""The lab's name server answers nobody: where that is asked, ghcr.io is no host to be found.

Taking the stand-in's names off the lab's network would not do. An engine asks the machine's own
name servers for what its network does not know, and those know the real ghcr.io, or leave the
question open for as long as a client cares to wait.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import docker

from pullrecovery.lab.engine.containers import run_in
from pullrecovery.lab.engine.egress_guard import NAMES_CHAIN

# Docker's own name server, inside of every container of a network that somebody made.
_SERVER = "127.0.0.11"
# Where a question arrives, and not where it leaves: there its sender would be told of a lack of
# permission. The chain is emptied whenever the lab is raised, so nothing outlives a run.
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
    """Have every question for a name that the containers `asking` send be refused in the block.

    At once, as by a machine on which no name server runs. Pods' own questions are not theirs, and
    are answered. Raises LabError where the guard against leaving the lab is not in a container.
    """
    with ExitStack() as stack:
        for name in asking:
            container = client.containers.get(name)
            problem = f"{name}: no questions for names can be refused"
            # What was half done is undone, too.
            stack.callback(run_in, container, _ANSWER, problem)
            run_in(container, _REFUSE, problem)
        yield
