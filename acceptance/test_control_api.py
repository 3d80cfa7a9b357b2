"""Only the lab may use the emulator's control API: other callers change nothing.

Pods can reach its port, as they can reach any port of a container on their node's network.
"""

import json

import httpx
import pytest

from fixtures.scenario.sandboxes import await_pods, deploy
from pullrecovery.tasks.reg_006_redeploy import rolled_out

_PORT = 8080
_SWITCH = "nobody-may-switch-this"
_ASK = (
    "curl --silent --output /dev/null --write-out '%%{http_code}' --max-time 10"
    " --request %s --header %s --data %s %s"
)


@pytest.fixture(name="ask_from_pod")
def _ask_from_pod(make_sandbox, make_package, node):
    """Send a request from the network namespace of a running pod, and return the status."""
    sandbox = make_sandbox(image=make_package("private"))
    deploy(sandbox)
    (pod,) = await_pods(sandbox, "the pod runs", rolled_out)
    read = sandbox.core.read_namespaced_pod(pod.name, sandbox.namespace)
    container = read.status.container_statuses[0].container_id.partition("://")[2]
    tasks = node.check_output("ctr -n k8s.io tasks ls").splitlines()
    pid = next(line.split()[1] for line in tasks if line.startswith(container))

    def ask(method, path, body, header="X-Nothing: at all"):
        url = f"http://ghcr.io:{_PORT}{path}"
        command = f"nsenter --target {int(pid)} --net {_ASK}"
        return int(node.check_output(command, method, header, body, url))

    return sandbox, ask


def _state(lab_world, package):
    """Return the state that the requests below would change."""
    reader = lab_world.reader
    return (
        lab_world.registry.tags(package, None),
        lab_world.registry.tags(package, reader).ok,
        [row.name for row in lab_world.control.switches() if row.name == _SWITCH],
        lab_world.control.assumptions(),
    )


def test_pod_without_control_secret_is_refused(lab_world, ask_from_pod):
    """Every kind of change is refused without the header and with a wrong secret."""
    sandbox, ask = ask_from_pod
    package = sandbox.workload.image.package
    before = _state(lab_world, package)
    public = json.dumps({"visibility": "public", "readers": [], "writers": [], "admins": []})
    changes = [
        ("PUT", f"/packages/{package}", public),
        ("DELETE", f"/packages/{package}", ""),
        ("PUT", "/world", "owners: {}"),
        ("PUT", "/assumptions", json.dumps({"catalog": False})),
        ("PUT", f"/switches/{_SWITCH}", json.dumps({"kind": "respond", "status": 503})),
        ("GET", "/log", ""),
    ]

    statuses = [ask(*change) for change in changes]
    statuses += [ask(*change, header="Authorization: Bearer wrong") for change in changes]

    assert set(statuses) == {401}
    assert _state(lab_world, package) == before


def test_malformed_body_is_refused(lab_world, ask_from_pod):
    """Unknown keys, wrong types and invalid JSON are refused even with the secret."""
    package = ask_from_pod[0].workload.image.package
    before = _state(lab_world, package)
    emulator = lab_world.lab.emulator
    bodies = {
        f"/packages/{package}": '{"visibility": "secret"}',
        "/owners/bytequester": '{"colour": "blue"}',
        "/assumptions": '{"unheard_of": true}',
        f"/switches/{_SWITCH}": '{"kind": "unheard-of"}',
        "/world": "owners: [",
    }

    with httpx.Client(headers={"Authorization": f"Bearer {emulator.secret}"}) as http:
        answers = [
            http.put(f"http://127.0.0.1:{emulator.control_port}{path}", content=body)
            for path, body in bodies.items()
        ]

    assert [answer.status_code for answer in answers] == [400] * len(bodies)
    assert _state(lab_world, package) == before
