"""Properties of pull secrets: how they are read, matched and rendered."""

import base64
import json
from types import SimpleNamespace

from hypothesis import assume, example, given
from hypothesis import strategies as st
from kubernetes.client import V1ObjectMeta, V1Secret

from pullrecovery.model.probe import Credential
from pullrecovery.registry.keyring import (
    DATA_KEYS,
    DOCKER_CONFIG,
    DOCKER_CONFIG_JSON,
    UnreadableSecretError,
    in_order,
    matches,
    read_secret,
)
from pullrecovery.tasks.reg_003_pull_secret import refresh_secret
from tests.fakes.recorded import GOOD, TOKEN
from tests.properties.mutations import mutated_json

FRESH = Credential("ByteQuester", "fr3sh")
AUTH = base64.b64encode(f"ByteQuester:{TOKEN}".encode()).decode()
ENTRY = {"username": "ByteQuester", "password": TOKEN, "auth": AUTH, "email": "a@b.c"}
CONFIG = {
    "auths": {
        "ghcr.io": ENTRY,
        "https://index.docker.io/v1/": {"auth": AUTH},
        "*.example.com:5000/a": {"username": "a", "password": TOKEN},
    },
    "HttpHeaders": {"User-Agent": "docker"},
}
# Names that Go reads as `auths`, and one that it does not.
NAMES = ("auths", "Auths", "AUTHS", "auth\N{LATIN SMALL LETTER LONG S}", "auth")
_PARTS = (
    *("https://", "http://", "ghcr.io", "*", "?", "[a-z]", "[", "]", "\\", "%67", "%zz", "@", ":"),
    *(":443", ":x", "/", "/v1/", "/v2/", "#", ".", "docker.io", "\x7f", "ä", "[::1]"),
)
SERVERS = st.text(max_size=30) | st.lists(st.sampled_from(_PARTS), max_size=6).map("".join)
REPOSITORIES = st.sampled_from(
    ("ghcr.io/bytequester/backend", "docker.io/library/nginx", "localhost:5000/a", "[::1]:5000/a")
)


def _as_sent(content):
    return base64.b64encode(content if isinstance(content, bytes) else content.encode()).decode()


def _read(kind, content):
    """The credentials by server, or the text of the error."""
    try:
        return read_secret(kind, {DATA_KEYS[kind]: _as_sent(content)})
    except UnreadableSecretError as error:
        return str(error)


@given(
    kind=st.sampled_from(sorted(DATA_KEYS)),
    content=mutated_json([CONFIG, CONFIG["auths"]])
    | st.binary(max_size=60)
    | st.tuples(st.just(json.dumps(CONFIG).encode()[:-1]), st.binary(max_size=9)).map(b"".join),
)
@example(kind=DOCKER_CONFIG_JSON, content=b'{"auths": {"ghcr.io": {"auth": "\\ud800"}}}')
@example(kind=DOCKER_CONFIG_JSON, content='{"auths": {"ghcr.io": true}}')
@example(kind=DOCKER_CONFIG_JSON, content=f'{{"HttpHeaders": {{"{TOKEN}": 1}}}}')
def test_mutated_secret_is_read_or_clear_error(kind, content):
    """The error has neither a token nor its base64, and the entries can be matched."""
    read = _read(kind, content)

    if isinstance(read, str):
        assert read.startswith(("it", "an entry"))
        assert TOKEN not in read
        assert AUTH not in read
    else:
        assert all(isinstance(entry.login + entry.token, str) for entry in read.values())
        assert set(in_order(read.items(), "ghcr.io/a/b")) <= set(read.items())


@given(data=st.dictionaries(st.sampled_from(sorted(DATA_KEYS.values())), st.text(max_size=30)))
def test_data_that_is_no_base64_is_read_or_clear_error(data):
    """The API server sends base64, and a file of a manifest may have anything."""
    for kind in (DOCKER_CONFIG_JSON, DOCKER_CONFIG, "Opaque"):
        try:
            assert isinstance(read_secret(kind, data), dict)
        except UnreadableSecretError as error:
            assert str(error).startswith("it")


@given(servers=st.lists(SERVERS, max_size=5), repository=REPOSITORIES)
def test_any_server_is_matched_or_skipped(servers, repository):
    """The order has the servers that match, each once, the most specific one in front."""
    entries = [(server, at) for at, server in enumerate(servers)]
    ordered = in_order(entries, repository)

    assert set(ordered) <= {entry for entry in entries if matches(entry[0], repository)}
    assert len(set(ordered)) == len(ordered)
    plain = [server for server, _ in ordered if server.startswith("ghcr.io")]
    assert plain == sorted(plain, reverse=True)


@given(server=SERVERS, repository=REPOSITORIES)
def test_scheme_does_not_change_what_matches(server, repository):
    """The kubelet cuts one scheme off."""
    if not server.startswith(("http://", "https://")):
        plain = matches(server, repository)

        assert matches(f"https://{server}", repository) == plain
        assert matches(f"http://{server}", repository) == plain


class _Core:
    """A fake API server with one Secret."""

    def __init__(self, secret):
        self.secret = secret

    def read_namespaced_secret(self, *_):
        return self.secret

    def delete_namespaced_secret(self, *_):
        self.secret = None

    def patch_namespaced_secret(self, name, namespace, body, **_):
        metadata = V1ObjectMeta(name=name, namespace=namespace)
        old = self.secret.data if self.secret else {}
        self.secret = V1Secret(metadata=metadata, type=body["type"], data=old | body["data"])


def _refreshed(kind, content):
    """The Secret after the refresh, and the change."""
    data = {DATA_KEYS[kind]: _as_sent(content)}
    core = _Core(V1Secret(metadata=V1ObjectMeta(), type=kind, data=data))
    change = refresh_secret(SimpleNamespace(target=GOOD.target, core=core), GOOD.workload, FRESH)
    return core.secret, change


@st.composite
def _configs(draw):
    """The text of a document with several names of `auths`, each with some servers."""
    pairs = []
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)):
        servers = draw(st.dictionaries(SERVERS | st.just("ghcr.io"), st.just(ENTRY), max_size=3))
        auths = draw(st.sampled_from((servers, servers, None)))
        pairs.append(f"{json.dumps(name)}: {json.dumps(auths)}")
    return "{" + ", ".join(pairs) + "}"


@given(
    content=_configs() | mutated_json([CONFIG, CONFIG["auths"]]) | st.binary(max_size=60),
    legacy=st.booleans(),
)
@example(
    content=f'{{"auths": {{"a.io": {json.dumps(ENTRY)}}}, "Auths": {{"b.io": {json.dumps(ENTRY)}}}}}',
    legacy=False,
)
def test_refreshed_secret_reads_back(content, legacy):
    """The refreshed entry is the only one for the image, and all others are as the kubelet's."""
    kind = DOCKER_CONFIG if legacy else DOCKER_CONFIG_JSON
    before = _read(kind, content)
    # A legacy document in the newer format is kept as one, which the kubelet does not read.
    assume(not legacy or "auths" not in before)
    secret, change = _refreshed(kind, content)
    after = read_secret(secret.type, secret.data)

    image = GOOD.workload.image.repository
    kept = before if isinstance(before, dict) else {}
    others = {server: entry for server, entry in kept.items() if not matches(server, image)}
    assert after == others | {"ghcr.io": FRESH}
    assert TOKEN not in change.diff
    assert FRESH.token not in change.diff


@given(login=st.text(min_size=1).filter(lambda text: ":" not in text), token=st.text(min_size=1))
def test_rendered_credential_reads_back(login, token):
    """Login and token of an `auth` are those that were rendered."""
    entry = {"auths": {"ghcr.io": {"auth": Credential(login, token).auth}}}

    assert _read(DOCKER_CONFIG_JSON, json.dumps(entry)) == {"ghcr.io": Credential(login, token)}
