"""DNS queries that containers cannot send for the length of a block."""

import pytest

from pullrecovery.common.errors import LabError
from pullrecovery.lab.cluster.dns import names_unanswered
from pullrecovery.lab.engine.egress_guard import NAMES_CHAIN
from tests.fakes.exec_api import client_of


class Container:
    """A fake container that runs scripts, and counts the rules that they add and remove."""

    def __init__(self, name, exit_code=0):
        self.name = name
        self.ran = []
        self._exit_code = exit_code
        self.id, self.client = name, client_of(self._answer)

    def _answer(self, command, _):
        self.ran.append(command[-1])
        return self._exit_code, b"", b"no chain by that name"

    @property
    def refuses(self):
        return f"iptables -A {NAMES_CHAIN} -d 127.0.0.11" in self.ran[-1]

    @property
    def answers(self):
        return f"iptables -F {NAMES_CHAIN}" in self.ran[-1]


class Engine:
    """A fake engine with these containers."""

    def __init__(self, *containers):
        self.containers = {container.name: container for container in containers}


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, ValueError])
def test_dns_is_refused_only_in_block(error):
    """Every named container is affected, and the rules are removed after an exception too."""
    node, runner = Container("node"), Container("runner")

    def block():
        with names_unanswered(Engine(node, runner), ["node", "runner"]):
            assert node.refuses
            assert runner.refuses
            if error:
                raise error

    if error:
        with pytest.raises(error):
            block()
    else:
        block()

    assert node.answers
    assert runner.answers


def test_unguarded_container_is_reported():
    """The egress guard creates the chain, and empties it when the lab starts again."""
    node, runner = Container("node"), Container("runner", exit_code=1)

    with (
        pytest.raises(LabError, match=r"runner: no questions .* refused: .*no chain by that name"),
        names_unanswered(Engine(node, runner), ["node", "runner"]),
    ):
        pytest.fail("it cannot be done")

    assert node.answers
