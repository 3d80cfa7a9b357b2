"""Pushes through the emulator: uploads, mounts, and the packages that a push creates."""

import hashlib
import json
from urllib.parse import urlsplit

import httpx
import pytest

pytestmark = pytest.mark.over_distribution

BLOB = b"a new layer"
DIGEST = "sha256:" + hashlib.sha256(BLOB).hexdigest()
LAYER = "sha256:" + hashlib.sha256(b"a layer" * 100).hexdigest()
OCI = "application/vnd.oci.image.manifest.v1+json"
CONFIG = {"digest": "sha256:" + hashlib.sha256(b"{}").hexdigest(), "size": 2}
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": CONFIG}).encode()


def upload(ghcr, repository, caller):
    """Push one blob in two requests; return the last answer."""
    begun = ghcr.ask("POST", f"/v2/{repository}/blobs/uploads/", caller=caller)
    return ghcr.ask("PUT", ending(begun), caller=caller, content=BLOB)


def ending(answer):
    """Return the address that ends the upload of an answer."""
    return str(httpx.URL(answer.headers["location"]).copy_merge_params({"digest": DIGEST}))


def tag(ghcr, repository, name, caller="writer"):
    """Push a manifest under a tag."""
    path = f"/v2/{repository}/manifests/{name}"
    return ghcr.ask("PUT", path, caller=caller, content=MANIFEST, headers={"Content-Type": OCI})


def test_blob_pushed_in_parts_can_be_pulled(ghcr):
    """POST, PATCH, GET of the state, and PUT store a blob that a reader gets back whole."""
    start = ghcr.ask("POST", "/v2/bytequester/closed/blobs/uploads/", caller="writer")
    part = ghcr.ask("PATCH", start.headers["location"], caller="writer", content=BLOB[:4])
    state = ghcr.ask("GET", part.headers["location"], caller="writer")
    ghcr.ask("PUT", ending(state), caller="writer", content=BLOB[4:])

    assert part.status_code == 202
    assert (state.status_code, state.headers["range"]) == (204, "0-3")
    ghcr.control("PUT", "/assumptions", {"blobs": "inline"})
    pulled = ghcr.ask("GET", f"/v2/bytequester/closed/blobs/{DIGEST}", caller="reader")
    assert pulled.content == BLOB


def test_upload_goes_on_at_a_relative_address(ghcr):
    """The Location of an upload is a path, without the host of the storage."""
    begun = ghcr.ask("POST", "/v2/bytequester/closed/blobs/uploads/", caller="writer")
    place = urlsplit(begun.headers["location"])

    assert (place.scheme, place.netloc) == ("", "")
    assert place.path.startswith("/v2/bytequester/closed/blobs/uploads/")


def test_finished_upload_is_unknown(ghcr):
    """A finished upload cannot be continued, and the refusal has no detail."""
    begun = ghcr.ask("POST", "/v2/bytequester/closed/blobs/uploads/", caller="writer")
    ghcr.ask("PUT", ending(begun), caller="writer", content=BLOB)

    answer = ghcr.ask("PATCH", begun.headers["location"], caller="writer", content=BLOB)

    assert answer.status_code == 404
    assert answer.content == (
        b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"blob upload unknown to registry"}]}\n'
    )


@pytest.mark.parametrize(
    ("source", "status"),
    [
        pytest.param("bytequester/closed", 201, id="from a package one reads"),
        pytest.param("bytequester/open", 201, id="from a public package"),
        pytest.param("elsewhere/hidden", 202, id="not from a package one cannot read"),
        pytest.param("bytequester/missing", 202, id="not from a missing package"),
    ],
)
def test_mount_needs_to_read_its_source(ghcr, source, status):
    """A mount from a package that the caller may not read begins a plain upload instead."""
    ghcr.control("PUT", "/packages/elsewhere/hidden", {"visibility": "private"})
    for holder in ("elsewhere/hidden", "bytequester/missing"):
        ghcr.storage.put_blob(holder, b"a layer" * 100)

    path = f"/v2/bytequester/inner/blobs/uploads/?mount={LAYER}&from={source}"
    answer = ghcr.ask("POST", path, caller="builder")

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("repository", "caller", "login"),
    [
        pytest.param("bytequester/new", "writer", "ByteQuester", id="owner"),
        pytest.param("bytequester/a/b", "maker", "Maker", id="creator"),
        pytest.param("stranger/own", "stranger", "Stranger", id="own namespace"),
    ],
)
def test_first_push_makes_a_private_package(ghcr, repository, caller, login):
    """A package that a push creates is private, and its pusher may write it."""
    answer = upload(ghcr, repository, caller)

    assert answer.status_code == 201
    package = ghcr.state.package(repository)
    assert package.repository == repository
    assert package.visibility == "private"
    assert package.writers == {login}
    assert ghcr.token_for("nobody", f"repository:{repository}:pull").status_code == 401


def test_started_upload_makes_no_package(ghcr):
    """A package exists only when some of its content is stored."""
    ghcr.ask("POST", "/v2/bytequester/new/blobs/uploads/", caller="writer")

    assert ghcr.state.package("bytequester/new") is None


def test_push_leaves_the_package_as_it_was(ghcr):
    """Pushing to a public package does not make it private."""
    tag(ghcr, "bytequester/open", "v2")

    assert ghcr.state.package("bytequester/open").visibility == "public"


def test_tags_are_listed_by_push_order(ghcr):
    """Tags are listed oldest push first; those from before a restart come first."""
    for name in ("zebra", "apple", "mango", "zebra"):
        assert tag(ghcr, "bytequester/closed", name).status_code == 201

    listed = ghcr.ask("GET", "/v2/bytequester/closed/tags/list", caller="reader").json()

    assert listed["tags"] == ["multi", "v1", "apple", "mango", "zebra"]


def test_manifest_by_digest_is_no_tag(ghcr):
    """A child of an index is pushed by its digest, and adds nothing to the list of tags."""
    digest = "sha256:" + hashlib.sha256(MANIFEST).hexdigest()
    tag(ghcr, "bytequester/closed", digest)

    assert ghcr.state.push_order("bytequester/closed") == ()
