"""No request leaves the lab: ghcr.io resolves to the lab, and other addresses are unreachable."""

import ipaddress
import shlex

from fixtures.scenario.sandboxes import await_pods, deploy
from pullrecovery.lab.cluster.kind_cluster import NODE
from pullrecovery.lab.engine.egress_guard import PROBE_PORT, attempts, lab_networks, probes
from pullrecovery.lab.runner.container import CONTAINER as RUNNER
from pullrecovery.tasks.reg_006_redeploy import rolled_out


def _beyond_the_lab(engine_client):
    """Return an address of this machine on the engine's default network, outside of the lab's."""
    config = engine_client.networks.get("bridge").attrs["IPAM"]["Config"]
    network = next(ipaddress.ip_network(each["Subnet"]) for each in config)
    address = next(network.hosts())
    assert not any(address in ipaddress.ip_network(each) for each in lab_networks(engine_client))
    return address


def test_pull_stays_in_lab(make_sandbox, node, engine_client):
    """The node counts and refuses every connection that leaves the lab.

    A pull of a new image counts none; an attempt on purpose is refused and counted.
    """
    sandbox = make_sandbox()
    sandbox.lab_world.publish(sandbox.workload.image, sandbox.workload.app)

    deploy(sandbox)
    await_pods(sandbox, "the image is pulled and runs", rolled_out)

    assert attempts(engine_client, NODE) == 0
    counted = probes(engine_client, NODE)
    beyond = f"http://{_beyond_the_lab(engine_client)}:{PROBE_PORT}/"
    tried = node.run("curl --silent --max-time 10 %s", beyond)
    assert tried.rc == 7, "curl was not refused at once"
    assert probes(engine_client, NODE) == counted + 1


def test_runner_can_reach_nothing_else_either(lab, engine_client):
    """The commands that tests run there cannot leave the lab either."""
    counted = probes(engine_client, RUNNER)
    beyond = f"http://{_beyond_the_lab(engine_client)}:{PROBE_PORT}/"

    (tried,) = lab.runner.run([f"curl --silent --max-time 10 {shlex.quote(beyond)}"])

    assert tried.rc == 7, "curl was not refused at once"
    assert probes(engine_client, RUNNER) == counted + 1
    assert attempts(engine_client, RUNNER) == 0
