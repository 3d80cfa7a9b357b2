"""Blobs by redirect: signed addresses under another name, without a credential."""

import hashlib
import json
import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.over_distribution

CONTENT = b"a layer" * 100
LAYER = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
PATH = f"/v2/bytequester/closed/blobs/{LAYER}"
STORE = "https://pkg-containers.githubusercontent.com"


def address(ghcr, path=PATH, caller="reader", method="GET"):
    """Return the address to which the registry redirects a caller for a blob."""
    answer = ghcr.ask(method, path, caller=caller)
    assert answer.status_code == 307
    return answer.headers["location"]


def test_blob_redirects_to_signed_url(ghcr):
    """The address has GitHub's form, and is valid for ten minutes."""
    ghcr.state.links._clock = datetime(2026, 11, 24, 16, tzinfo=UTC).timestamp
    split = urlsplit(address(ghcr))
    query = {key: value for key, (value,) in parse_qs(split.query).items()}

    assert (split.scheme, split.netloc) == ("https", "pkg-containers.githubusercontent.com")
    assert re.fullmatch(rf"/ghcrblobs\d\d/blobs/{LAYER}", split.path)
    assert list(query) == ["se", "sig", "sp", "spr", "sr", "sv", "hmac"]
    assert query["se"] == "2026-11-24T16:10:00Z"
    assert (query["sp"], query["sr"]) == ("r", "b")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_head_is_redirected_as_get(ghcr, method):
    """GET and HEAD are both redirected, and the storage answers both."""
    found = ghcr.ask(method, address(ghcr, method=method))

    assert found.status_code == 200
    assert found.headers["content-length"] == str(len(CONTENT))
    assert found.content == (CONTENT if method == "GET" else b"")


def test_storage_is_not_the_registry(ghcr):
    """The storage's answers have no headers of a registry."""
    answer = ghcr.ask("GET", address(ghcr))

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["accept-ranges"] == "bytes"
    for header in (
        "docker-distribution-api-version",
        "docker-content-digest",
        "x-github-request-id",
    ):
        assert header not in answer.headers


def test_signed_url_needs_no_credential(ghcr):
    """The log has the bytes under the caller that received the address."""
    ghcr.ask("GET", address(ghcr, caller="colleague"), headers={"User-Agent": "containerd/v2.3.4"})
    entry = ghcr.last_entry()

    assert (entry.route, entry.status, entry.bytes) == ("stored-blob", 200, len(CONTENT))
    assert (entry.identity, entry.credential, entry.token_kind) == (
        "Colleague",
        "colleague",
        "classic",
    )
    assert (entry.repository, entry.digest) == ("bytequester/closed", LAYER)
    assert entry.credential_leaked is False


def test_anonymous_url_is_anonymous(ghcr):
    """Anonymous callers get a public blob too."""
    path = f"/v2/bytequester/open/blobs/{LAYER}"
    answer = ghcr.ask("GET", address(ghcr, path, "anybody"))

    assert answer.content == CONTENT
    assert ghcr.last_entry().identity is None


@pytest.mark.parametrize("caller", ["reader", "basic reader", "pat reader", "raw Bearer made-up"])
def test_credential_at_storage_is_refused(ghcr, caller):
    """The log marks the leaked bearer without showing it."""
    answer = ghcr.ask("GET", address(ghcr), caller=caller)

    assert answer.status_code == 400
    assert "<Code>InvalidAuthenticationInfo</Code>" in answer.text
    assert ghcr.last_entry().credential_leaked is True
    assert json.loads(ghcr.lines[-1])["credential_leaked"] is True
    assert "made-up" not in ghcr.lines[-1]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(("sig=", "sig=A"), id="signature"),
        pytest.param(("hmac=", "hmac=0"), id="hmac"),
        pytest.param(("se=2", "se=3"), id="a later end"),
        pytest.param(("/blobs/sha256:", "/blobs/sha256:0"), id="another blob"),
        pytest.param(("?se=", "?also=this&se="), id="one more parameter"),
        pytest.param(("?", "?x="), id="no signature"),
    ],
)
def test_changed_url_opens_nothing(ghcr, change):
    """Every part of an address is signed."""
    answer = ghcr.ask("GET", address(ghcr).replace(*change, 1))

    assert answer.status_code == 403
    assert "<Code>AuthenticationFailed</Code>" in answer.text
    assert answer.headers["content-type"] == "application/xml"


def test_address_ends(ghcr):
    """After ten minutes an address is refused like an invented one."""
    now = [1_795_536_000.0]
    ghcr.state.links._clock = lambda: now[0]
    link = address(ghcr)
    now[0] += 599
    before = ghcr.ask("GET", link).status_code
    now[0] += 1

    assert (before, ghcr.ask("GET", link).status_code) == (200, 403)


def test_storage_only_reads(ghcr):
    """The storage's host accepts no writes."""
    answer = ghcr.ask("PUT", address(ghcr), content=b"x")

    assert answer.status_code == 405


def test_deleted_blob_has_storage_error(ghcr):
    """The error has the form of Azure's storage, and not of a registry."""
    link = address(ghcr)
    for repository in ("open", "closed", "inner"):
        ghcr.storage.ask("DELETE", f"/v2/bytequester/{repository}/blobs/{LAYER}").raise_for_status()
    answer = ghcr.ask("GET", link)

    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (404, "BlobNotFound")


def test_no_signature_is_ever_written(ghcr):
    """An address opens a blob, so its signature is a secret."""
    query = parse_qs(urlsplit(address(ghcr)).query)
    ghcr.ask("GET", address(ghcr))
    written = "\n".join(ghcr.lines)

    assert query["sig"][0] not in written
    assert query["hmac"][0] not in written


def test_assumption_serves_blobs_inline(ghcr):
    """With the assumption, blobs come from ghcr.io itself."""
    ghcr.control("PUT", "/assumptions", {"blobs": "inline"})
    answer = ghcr.ask("GET", PATH, caller="reader")

    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_assumption_redirects_referrers(ghcr):
    """With the assumption, the answer is GHCR's redirect to an address without the digest."""
    ghcr.control("PUT", "/assumptions", {"referrers": "redirect"})
    answer = ghcr.ask("GET", f"/v2/bytequester/closed/referrers/{LAYER}", caller="reader")

    assert answer.status_code == 303
    assert answer.headers["location"] == (
        "https://github.com/-/v2/packages/container/package/bytequester%2Fclosed%2Freferrers%2Fsha256"
    )
