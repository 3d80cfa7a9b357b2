"""What the kubelet says of a registry that gives the wrong content, or none for minutes.

Nothing is remedied here: the pod runs by itself once the switch is off. What the kubelet says of
an outage is in test_external.py; docs/fault-switches.md says which switch is what.
"""

import re
from contextlib import ExitStack

import pytest

from fixtures.grounds import await_pods, deploy
from pullrecovery.lab.switches import (
    Hanging,
    Missing,
    RateLimited,
    WrongBytes,
    WrongDigestHeader,
    switched,
)
from pullrecovery.tasks.reg_006_redeploy import rolled_out
from pullrecovery.wait import wait_for

pytestmark = pytest.mark.whole_run

_HEAD = r"failed to resolve reference \"\S+\": unexpected status from HEAD request to \S+: "
_CONFIG = "/etc/containerd/config.toml"
_SECTION = '  [plugins."io.containerd.grpc.v1.cri"]\n'
_SHORT = '    image_pull_progress_timeout = "10s"\n'
_COMMIT = r"rpc error: code = FailedPrecondition desc = failed to pull and unpack image \"\S+\": "

REQUESTS = {
    "429 for a manifest": (RateLimited, {"route": "manifest"}, _HEAD + "429 Too Many Requests"),
    "wrong manifest": (
        WrongBytes,
        {"route": "manifest"},
        _COMMIT + r"failed commit on ref \"manifest-sha256:\S+\": unexpected commit digest",
    ),
    "wrong blob": (
        WrongBytes,
        {"route": "blob"},
        _COMMIT + r"failed commit on ref \"config-sha256:\S+\": unexpected commit digest",
    ),
    "wrong digest": (WrongDigestHeader, {"route": "manifest"}, r"code = NotFound .*: not found"),
    "missing manifest": (
        Missing,
        {"route": "manifest"},
        r"code = NotFound .*failed to resolve reference \"\S+\": \S+: not found",
    ),
    "missing blob": (
        Missing,
        {"route": "blob"},
        r"code = NotFound .*could not fetch content descriptor sha256:.* from remote: not found",
    ),
}


@pytest.fixture(name="ground")
def _ground(make_ground, make_package):
    """A workload with a private image that no node has pulled, of a package of its own."""
    return make_ground(image=make_package("private"))


def _await_words(ground, expected, timeout=45):
    """Wait until a container's waiting message matches."""
    words = re.compile(expected, re.DOTALL)

    def said(_, pods):
        return any(words.search(c.waiting_message) for pod in pods for c in pod.containers)

    await_pods(ground, f"the pod says {expected}", said, timeout)


@pytest.mark.parametrize(("switch", "matching", "words"), REQUESTS.values(), ids=REQUESTS.keys())
def test_failing_answer_is_said_and_is_over_with_its_cause(
    ground, lab_world, switch, matching, words
):
    """For this workload alone: the others of the node pull on meanwhile."""
    own = {"repository": ground.workload.image.package}

    with switched(lab_world.control, switch(**own, **matching)):
        deploy(ground)
        _await_words(ground, words)

    await_pods(ground, "the pod runs by itself", rolled_out)


@pytest.fixture(name="short_of_patience")
def _short_of_patience(node):
    """A node whose containerd gives a pull up after 10 s without progress, instead of 5 minutes."""
    kept = node.file(_CONFIG).content_string
    assert kept.count(_SECTION) == 1
    try:
        _configure(node, kept.replace(_SECTION, _SECTION + _SHORT))
        yield
    finally:
        _configure(node, kept)


def _configure(node, config):
    """Have containerd run under this configuration; pods run on meanwhile."""
    node.check_output("printf %%s %s > %s", config, _CONFIG)
    node.check_output("systemctl restart containerd")
    wait_for("containerd answers", lambda: node.run("ctr version").rc == 0, bool, timeout=60)


@pytest.mark.alone
def test_pull_without_progress_is_given_up_and_said(make_ground, make_package, lab_world, request):
    """No token, no manifest, no blob: each is silence, until containerd's own time is over."""
    grounds = {
        route: make_ground(image=make_package("private")) for route in ("token", "manifest", "blob")
    }
    request.getfixturevalue("short_of_patience")

    with ExitStack() as lasting:
        for route, ground in grounds.items():
            own = {"repository": ground.workload.image.package, "route": route}
            lasting.enter_context(switched(lab_world.control, Hanging(**own)))
            deploy(ground)
        for ground in grounds.values():
            _await_words(ground, r": context canceled$", timeout=60)

    for ground in grounds.values():
        await_pods(ground, "the pod runs by itself", rolled_out)
