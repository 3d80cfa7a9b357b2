"""What the kubelet says of a registry that fails, and that all is well again once it is over.

No task mends these: nothing is remedied here. docs/fault-switches.md says which switch is what.
"""

import re

import pytest

from fixtures.grounds import await_pods, deploy
from pullrecovery.lab.certificates import of_unknown_authority, read_faulty
from pullrecovery.lab.naming import names_dropped
from pullrecovery.lab.stand_in import NAMES
from pullrecovery.lab.switches import (
    Closed,
    Missing,
    OtherCertificate,
    Outage,
    PlainHttp,
    RateLimited,
    Refused,
    Reset,
    Truncated,
    WrongBytes,
    WrongDigestHeader,
    switched,
)
from pullrecovery.tasks.reg_006_redeploy import rolled_out

pytestmark = pytest.mark.whole_run

_HEAD = r"failed to resolve reference \"\S+\": unexpected status from HEAD request to \S+: "
_DIALLED = r"failed to resolve reference \"\S+\": failed to do request: Head \"\S+\": "
_COMMIT = r"rpc error: code = FailedPrecondition desc = failed to pull and unpack image \"\S+\": "

REQUESTS = {
    "429 for a manifest": (RateLimited, {"route": "manifest"}, _HEAD + "429 Too Many Requests"),
    "429 for a token": (
        RateLimited,
        {"route": "token"},
        r"failed to authorize: failed to fetch oauth token: .*: 429 Too Many Requests",
    ),
    "429 for a blob": (
        RateLimited,
        {"route": "blob"},
        r"failed to copy: httpReadSeeker: failed open: .*429 Too Many Requests",
    ),
    "500": (Outage, {"route": "manifest", "status": 500}, _HEAD + "500 Internal Server Error"),
    "502 with a page": (
        Outage,
        {"route": "manifest", "status": 502, "body": "html"},
        _HEAD + "502 Bad Gateway",
    ),
    "503 with nothing": (
        Outage,
        {"route": "manifest", "status": 503, "body": "empty"},
        _HEAD + "503 Service Unavailable",
    ),
    "504 for a token": (
        Outage,
        {"route": "token", "status": 504},
        r"failed to fetch oauth token: .*: 504 Gateway Timeout",
    ),
    "closed": (Closed, {"route": "manifest"}, _DIALLED + "EOF"),
    "reset": (Reset, {"route": "manifest"}, _DIALLED + ".*connection reset by peer"),
    "cut blob": (Truncated, {"route": "blob"}, r"(short read: expected \d+ bytes|unexpected EOF)"),
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


def _certificate(name):
    def switch(lab):
        faulty = read_faulty(lab.paths.state)
        pairs = {"unknown": of_unknown_authority(NAMES)}
        pair = pairs[name] if name in pairs else getattr(faulty, name)
        return OtherCertificate(pair=pair)

    return switch


DOORS = {
    "another name's certificate": (
        _certificate("other_name"),
        r"tls: failed to verify certificate: x509: certificate is valid for \S+, not ghcr\.io",
    ),
    "an expired certificate": (
        _certificate("expired"),
        r"tls: failed to verify certificate: x509: certificate has expired",
    ),
    "an unknown authority": (
        _certificate("unknown"),
        r"tls: failed to verify certificate: x509: certificate signed by unknown authority",
    ),
    "plain HTTP": (lambda _: PlainHttp(), r"http: server gave HTTP response to HTTPS client"),
    "refused": (lambda _: Refused(), r"dial tcp \S+:443: connect: connection refused"),
}


@pytest.mark.alone
@pytest.mark.parametrize(("switch", "words"), DOORS.values(), ids=DOORS.keys())
def test_failing_door_is_said_and_is_over_with_its_cause(ground, lab, lab_world, switch, words):
    """It fails the whole node, so nothing else runs meanwhile."""
    with switched(lab_world.control, switch(lab)):
        deploy(ground)
        _await_words(ground, _DIALLED + words)

    await_pods(ground, "the pod runs by itself", rolled_out)


@pytest.mark.alone
def test_name_that_does_not_resolve_is_said_and_is_over_with_its_cause(ground, lab, engine_client):
    """The names are gone from the lab's network, and nobody else's answer is taken for them.

    The engine leaves the question open, as it can ask nobody else: so it takes as long as
    containerd waits, and says so.
    """
    with names_dropped(engine_client, lab.stand_in):
        deploy(ground)
        words = _DIALLED + r"dial tcp: lookup ghcr\.io on \S+: .*(i/o timeout|no such host)"
        _await_words(ground, words, timeout=120)

    await_pods(ground, "the pod runs by itself", rolled_out)
