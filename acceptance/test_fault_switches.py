"""The kubelet reports a registry with wrong content, or without an answer for minutes.

Nothing is remediated here: the pod runs on its own once the switch is off. test_external.py covers
outages; docs/fault-switches.md describes the switches.
"""

import re

import pytest

from fixtures.scenario.sandboxes import await_pods, deploy
from ghcr_emulator.client import (
    Missing,
    RateLimit,
    WrongBytes,
    WrongDigest,
    switched,
)
from pullrecovery.tasks.reg_006_redeploy import rolled_out

pytestmark = pytest.mark.waits

_HEAD = r"failed to resolve reference \"\S+\": unexpected status from HEAD request to \S+: "
_COMMIT = r"rpc error: code = FailedPrecondition desc = failed to pull and unpack image \"\S+\": "

REQUESTS = {
    "429 for a manifest": (RateLimit, {"route": "manifest"}, _HEAD + "429 Too Many Requests"),
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
    "wrong digest": (WrongDigest, {"route": "manifest"}, r"code = NotFound .*: not found"),
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


@pytest.fixture(name="sandbox")
def _sandbox(make_sandbox, make_package):
    """A workload with a private image that no node has pulled, in a new package."""
    return make_sandbox(image=make_package("private"))


def _await_words(sandbox, expected, timeout=45):
    """Wait until a container's waiting message matches."""
    words = re.compile(expected, re.DOTALL)

    def said(_, pods):
        return any(words.search(c.waiting_message) for pod in pods for c in pod.containers)

    await_pods(sandbox, f"the pod says {expected}", said, timeout)


@pytest.mark.parametrize(("switch", "matching", "words"), REQUESTS.values(), ids=REQUESTS.keys())
def test_failing_answer_is_reported_and_ends(sandbox, lab_world, switch, matching, words):
    """The switch affects this workload only: the node pulls other images meanwhile."""
    own = {"repository": sandbox.workload.image.package}

    with switched(lab_world.control, switch(**own, **matching)):
        deploy(sandbox)
        _await_words(sandbox, words)

    await_pods(sandbox, "the pod runs by itself", rolled_out)
