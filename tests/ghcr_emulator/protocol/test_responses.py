"""The parts that all answers share: headers, lengths and tokens."""

import base64
import hashlib
import re

import pytest

OCI = "application/vnd.oci.image.manifest.v1+json"
LAYER = "sha256:" + hashlib.sha256(b"a layer" * 100).hexdigest()


def test_challenge_matches_ghcr_bytes(ghcr):
    """The challenge that every client gets first has exactly GHCR's headers."""
    headers = ghcr.ask("GET", "/v2/").headers

    assert headers["content-length"] == "73"
    assert headers["content-type"] == "application/json"
    assert headers["docker-distribution-api-version"] == "registry/2.0"
    assert re.fullmatch(
        r"[0-9A-F]{4}:[0-9A-F]{6}:[0-9A-F]{7}:[0-9A-F]{7}:[0-9A-F]{8}",
        headers["x-github-request-id"],
    )


@pytest.mark.parametrize(
    ("path", "caller"),
    [
        pytest.param("/v2/", "nobody", id="challenge"),
        pytest.param("/v2/bytequester/closed/manifests/v1", "reader", id="manifest"),
        pytest.param("/v2/bytequester/closed/tags/list", "reader", id="tags"),
        pytest.param(f"/v2/bytequester/closed/blobs/{LAYER}", "reader", id="blob"),
        pytest.param("/token?scope=repository:bytequester/open:pull", "nobody", id="token"),
        pytest.param("/token?scope=repository:bytequester/closed:pull", "nobody", id="refusal"),
        pytest.param("/v2/_catalog", "reader", id="catalogue"),
        pytest.param(f"/v2/bytequester/closed/referrers/{LAYER}", "reader", id="referrers"),
        pytest.param("/", "nobody", id="landing page"),
        pytest.param("https://api.github.com/user", "raw token ghp_reader", id="packages API"),
    ],
)
def test_head_is_get_without_a_body(ghcr, path, caller):
    """A HEAD has the status and the length of its GET, and nothing after the headers."""
    whole = ghcr.ask("GET", path, caller=caller, headers={"Accept": OCI})
    head = ghcr.ask("HEAD", path, caller=caller, headers={"Accept": OCI})

    assert head.status_code == whole.status_code
    assert head.headers.get("content-length") == whole.headers.get("content-length")
    assert head.content == b""


def test_refused_head_has_no_body(ghcr):
    """A client gets 403 for a HEAD, and repeats the request by GET for the message."""
    head = ghcr.ask("HEAD", "/v2/bytequester/closed/manifests/v1", caller="stranger")

    assert head.status_code == 403
    assert head.content == b""


def test_manifest_carries_its_digest_twice(ghcr):
    """docker-content-digest and etag name the content, whatever tag was requested."""
    path = "/v2/bytequester/closed/manifests/v1"
    answer = ghcr.ask("GET", path, caller="reader", headers={"Accept": OCI})
    digest = "sha256:" + hashlib.sha256(answer.content).hexdigest()

    assert answer.headers["docker-content-digest"] == digest
    assert answer.headers["etag"] == f'"{digest}"'
    assert answer.headers["content-type"] == OCI


def test_anonymous_token_names_package_and_time(ghcr):
    """An anonymous token is the base64 of v1, the repository and the nanoseconds."""
    token = ghcr.token_for("nobody", "repository:bytequester/open:pull").json()["token"]

    assert token.startswith("djE6")
    assert re.fullmatch(rb"v1:bytequester/open:\d{19}", base64.b64decode(token))


def test_bearer_token_dies_with_its_credential(ghcr):
    """A bearer token is void when its credential is."""
    given = ghcr.authorization("reader")
    ghcr.control("PUT", "/credentials/reader", {"token": "ghp_newer", "login": "ByteQuester"})

    answer = ghcr.ask("GET", "/v2/", headers=given)

    assert answer.status_code == 401
    assert "cannot be authenticated" in answer.text


def test_basic_credentials_work_as_bearer(ghcr):
    """base64 of user:token is accepted as a bearer; the user is ignored."""
    text = base64.b64encode(b"whoever:ghp_reader").decode()

    assert ghcr.ask("GET", "/v2/", caller=f"raw Bearer {text}").status_code == 200


def test_landing_page_is_html(ghcr):
    """The root is a page for people, and no part of the registry."""
    answer = ghcr.ask("GET", "/")

    assert answer.status_code == 200
    assert "GitHub Packages" in answer.text
