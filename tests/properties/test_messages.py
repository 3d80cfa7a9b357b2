"""Properties of messages: of the kubelet, of the clients on the runner, and of the registry."""

import json
from datetime import datetime

import httpx
from hypothesis import example, given
from hypothesis import strategies as st

from pullrecovery.diagnosis.pull import diagnose_pull
from pullrecovery.diagnosis.stuck import WAITING_FOR_IMAGE, stuck_containers
from pullrecovery.kube.events import kube_event
from pullrecovery.model.observed import all_parts
from pullrecovery.model.probe import CommandResult, Credential, Probe
from pullrecovery.model.verdict import Cause
from pullrecovery.registry.client import RegistryClient
from pullrecovery.registry.client_output import Meaning, meaning_of, meaning_of_probe
from pullrecovery.registry.failures import failure_in, failure_of_command
from tests.diagnosis.test_diagnosis import KNOWN
from tests.fakes import recorded
from tests.fakes.outages import PODS
from tests.fakes.recorded import REFERENCE, TOKEN
from tests.properties.mutations import mutated_json, mutated_text
from tests.registry.test_failures import WORDS

# What clients print, each with its meaning.
CLIENTS = {
    "denied: permission_denied: The token provided does not match expected scopes.": (
        Meaning.SCOPE_MISSING
    ),
    f"denied: {recorded.SSO_DENIED.message}": Meaning.SSO_MISSING,
    f"denied: {recorded.CLASSIC_DENIED.message}": Meaning.CLASSIC_FORBIDDEN,
    "denied: permission_denied: read_package": Meaning.FORBIDDEN,
    'Error response from daemon: Get "https://ghcr.io/v2/": denied: denied': Meaning.REJECTED,
    "denied: requested access to the resource is denied": Meaning.MISSING_OR_PRIVATE,
    "Error: GET https://ghcr.io/v2/a/b: unauthorized: authentication required": (
        Meaning.NO_CREDENTIAL
    ),
    "Error: GET https://ghcr.io/v2/a/b: NAME_UNKNOWN: repository name not known": (
        Meaning.REPOSITORY_UNKNOWN
    ),
    "no such manifest: ghcr.io/bytequester/x:dev": Meaning.MANIFEST_UNKNOWN,
    "Error: could not parse reference: ghcr.io/A/b": Meaning.INVALID_REFERENCE,
    **{text: Meaning.UNREACHABLE for text, _ in WORDS.values()},
}
FAILURES = dict((*PODS.values(), *WORDS.values()))
# Text around a message, of which no rule matches a part.
_WORDS = st.text("abcdefghij 0123456789()/=.", max_size=40)
_LINES = st.lists(_WORDS, max_size=3).map("\n".join)
BACK_OFF = f'Back-off pulling image "{REFERENCE}": ErrImagePull: '
_PREFIXES = st.sampled_from(
    ("", BACK_OFF, "rpc error: code = Unknown desc = ", "2026/11/24 17:26 ")
)
SURROUNDINGS = st.tuples(_LINES, _PREFIXES, _LINES)
# Parts of rules many times over, which a rule could match in many ways.
_PARTS = (
    *("failed to fetch oauth token", "/manifests/", '"', ": ", "x509: ", "dial tcp: lookup "),
    *("short read: expected 1", "Back-off pulling image ", "`", "status code 5", "\n"),
)
REPEATED = st.builds(
    lambda part, times: part * times, st.sampled_from(_PARTS), st.integers(1, 2000)
)
ANY = mutated_text([*FAILURES, *CLIENTS, *(text for text, *_ in KNOWN.values())]) | REPEATED


def _surrounded(text, surroundings):
    before, prefix, after = surroundings
    return "\n".join(
        [*([before] if before else []), f"{prefix}{text}", *([after] if after else [])]
    )


def _failed(text):
    return CommandResult("crane digest x", 1, "", text)


@given(text=st.sampled_from(sorted(CLIENTS)), surroundings=st.tuples(_LINES, st.just(""), _LINES))
def test_client_message_keeps_its_meaning(text, surroundings):
    """What a client prints before and after the registry's sentence does not matter."""
    assert meaning_of(_failed(_surrounded(text, surroundings))) is CLIENTS[text]


@given(text=st.sampled_from(sorted(FAILURES)), surroundings=SURROUNDINGS)
def test_failure_is_found_in_surrounding_text(text, surroundings):
    """The kubelet and the clients put the message behind their own."""
    said = _surrounded(text, surroundings)

    assert failure_in(said) is FAILURES[text]
    assert failure_of_command(_failed(said)) is FAILURES[text]


@given(case=st.sampled_from(list(KNOWN.values())), surroundings=SURROUNDINGS)
def test_kubelet_message_keeps_its_cause(case, surroundings):
    """The cause is that of the message alone."""
    text, observation, cause = case
    waiting = recorded.waiting(_surrounded(text, surroundings), observation)

    assert diagnose_pull(all_parts(waiting), stuck_containers(waiting.pods)[0]).cause is cause


@given(reason=st.sampled_from(sorted(WAITING_FOR_IMAGE)), message=ANY)
def test_any_kubelet_message_has_a_verdict(reason, message):
    """An unknown message is kept as the evidence."""
    waiting = recorded.waiting(message, reason=reason)
    verdict = diagnose_pull(all_parts(waiting), stuck_containers(waiting.pods)[0])

    assert not verdict.passes
    assert verdict.fix
    assert message in verdict.evidence or verdict.cause is not Cause.UNKNOWN


@given(code=st.integers(-15, 255), output=ANY, errors=ANY | st.just(""))
def test_any_client_output_has_one_meaning(code, output, errors):
    """Only a command that exits with 0 found something."""
    ran = CommandResult("docker pull x", code, output, errors)

    assert (meaning_of(ran) is Meaning.FOUND) == (code == 0)
    assert "\n" not in ran.said


@given(
    stamps=st.fixed_dictionaries(
        {},
        optional={
            name: st.none() | st.datetimes().map(lambda time: f"{time.isoformat()}Z")
            for name in ("eventTime", "lastTimestamp", "firstTimestamp")
        },
    ),
    message=ANY | st.none(),
)
def test_event_with_any_message_is_read(stamps, message):
    """The API server sends `null` for a time that is not set."""
    created = {"metadata": {"creationTimestamp": "2026-11-24T03:20:49Z"}, "involvedObject": {}}
    event = kube_event({**created, **stamps, "message": message})

    assert isinstance(event.time, datetime)
    assert event.time.tzinfo is not None
    assert (message or "").endswith(event.message)


ERRORS = {"errors": [{"code": "DENIED", "message": "permission_denied: read_package"}]}
MANIFEST = {"manifests": [{"platform": {"os": "linux", "architecture": "amd64"}}]}
DEEP = b"[" * 20_000
ANSWERS = mutated_json([ERRORS, MANIFEST, {"token": TOKEN}, {"tags": ["v1", "v2"]}])
BODIES = ANSWERS.map(str.encode) | st.binary(max_size=40) | st.just(DEEP)


def _client(token, status, body):
    def answer(request):
        if request.url.path == "/token":
            return httpx.Response(200, content=token)
        return httpx.Response(status, content=body)

    return RegistryClient("ghcr.io", httpx.Client(transport=httpx.MockTransport(answer)))


@given(
    token=st.just(json.dumps({"token": "x"}).encode()) | BODIES,
    status=st.sampled_from((200, 401, 403, 404, 429, 500, 503)),
    body=BODIES,
)
@example(token='{"token": "ä"}'.encode(), status=200, body=b"{}")
@example(token=DEEP, status=200, body=b"{}")
@example(token=b'{"token": "x"}', status=200, body=b"<html>")
def test_any_registry_answer_is_a_probe(token, status, body):
    """A proxy may answer with anything, and a token service too."""
    client = _client(token, status, body)
    credential = Credential("ByteQuester", TOKEN)
    probes = [
        client.manifest("a/b", "v1", credential),
        client.tags("a/b", None),
        client.login(credential),
        client.all_tags("a/b", credential)[0],
        *client.blobs("a/b", ["sha256:0"], credential),
    ]

    assert all(isinstance(probe, Probe) for probe in probes)
    assert all(isinstance(meaning_of_probe(probe), Meaning) for probe in probes)
    assert all(isinstance(name, str) for name in client.platforms("a/b", "sha256:0", credential))
