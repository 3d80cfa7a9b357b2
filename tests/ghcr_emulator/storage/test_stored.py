"""The answers of a storage without the emulator, equal for its own files and distribution.

`make test` runs these tests over the emulator's own storage, `make conformance` over distribution.
"""

import hashlib
import json

import httpx
import pytest

pytestmark = pytest.mark.over_distribution

NAME = "bytequester/app"
UPLOADS = f"/v2/{NAME}/blobs/uploads/"
CONTENT = bytes(range(256)) * 64
DIGEST = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
ABSENT = "sha256:" + "0" * 64
OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"


def first_error(answer):
    """Return the status and the code of a refusal."""
    return answer.status_code, answer.json()["errors"][0]["code"]


def begun(storage):
    """Return the answer that begins an upload."""
    return storage.ask("POST", UPLOADS).raise_for_status()


def finish(storage, answer, content=b"", digest=DIGEST, headers=None):
    """End the upload of an answer."""
    end = httpx.URL(answer.headers["location"]).copy_merge_params({"digest": digest})
    return storage.ask("PUT", str(end), content=content, headers=headers)


def part(storage, answer, content, content_range):
    """Send a part with its Content-Range."""
    headers = {"content-range": content_range, "content-type": "application/octet-stream"}
    return storage.ask("PATCH", answer.headers["location"], content=content, headers=headers)


def image(**changed):
    """Return a manifest of the blob of these tests."""
    descriptor = {"mediaType": "application/octet-stream", "digest": DIGEST, "size": len(CONTENT)}
    document = {"schemaVersion": 2, "mediaType": OCI, "config": descriptor, "layers": [descriptor]}
    return json.dumps({**document, **changed}).encode()


def put(storage, reference, content, media_type=OCI):
    """Push a manifest."""
    path = f"/v2/{NAME}/manifests/{reference}"
    return storage.ask("PUT", path, content=content, headers={"content-type": media_type})


@pytest.fixture(name="stored")
def _stored(storage):
    """Return a storage that has the blob."""
    storage.put_blob(NAME, CONTENT)
    return storage


def test_storage_is_a_registry(storage):
    """The root answers as a registry."""
    assert storage.ask("GET", "/v2/").status_code == 200


def test_blob_comes_back_as_it_went(stored):
    """HEAD has the same headers, and no body."""
    path = f"/v2/{NAME}/blobs/{DIGEST}"
    got, head = stored.ask("GET", path), stored.ask("HEAD", path)

    assert (got.status_code, head.status_code) == (200, 200)
    assert (got.content, head.content) == (CONTENT, b"")
    for answer in (got, head):
        assert answer.headers["content-length"] == str(len(CONTENT))
        assert answer.headers["docker-content-digest"] == DIGEST
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-3", 206, CONTENT[:4]),
        ("bytes=16380-", 206, CONTENT[16380:]),
        ("bytes=-4", 206, CONTENT[-4:]),
        ("bytes=16380-99999", 206, CONTENT[16380:]),
        ("bytes=99999-", 416, None),
        ("bytes=5-0", 416, None),
    ],
)
def test_part_of_a_blob_is_given(stored, asked, status, content):
    """A client that lost its connection can continue where it was."""
    answer = stored.ask("GET", f"/v2/{NAME}/blobs/{DIGEST}", headers={"range": asked})

    assert answer.status_code == status
    assert content is None or answer.content == content


def test_blob_of_another_repository_is_unknown(stored):
    """Content is stored once, and belongs to the repositories that have it."""
    answer = stored.ask("GET", f"/v2/bytequester/other/blobs/{DIGEST}")

    assert first_error(answer) == (404, "BLOB_UNKNOWN")


def test_upload_says_how_much_has_come(storage):
    """Each answer has the location and the range; an empty upload has 0-0."""
    start = begun(storage)
    first = part(storage, start, CONTENT[:1000], "0-999")
    status = storage.ask("GET", first.headers["location"])
    second = part(storage, status, CONTENT[1000:], f"1000-{len(CONTENT) - 1}")
    end = finish(storage, second)

    answers = (start, first, status, second)
    assert [answer.status_code for answer in answers] == [202, 202, 204, 202]
    assert [answer.headers["range"] for answer in answers] == ["0-0", "0-999", "0-999", "0-16383"]
    assert (
        len({answer.headers["docker-upload-uuid"] for answer in answers if answer is not start})
        == 1
    )
    assert (end.status_code, end.headers["docker-content-digest"]) == (201, DIGEST)
    assert end.headers["location"] == f"/v2/{NAME}/blobs/{DIGEST}"
    assert storage.blob(NAME, DIGEST).content == CONTENT


@pytest.mark.parametrize(
    ("content_range", "status", "code"),
    [
        ("4-7", 416, "RANGE_INVALID"),
        ("3-0", 416, "RANGE_INVALID"),
        ("0-9", 400, "SIZE_INVALID"),
    ],
    ids=["gap", "backwards", "other length"],
)
def test_part_at_the_wrong_place_is_refused(storage, content_range, status, code):
    """A refused part is not stored, and the right part can follow."""
    start = begun(storage)
    answer = part(storage, start, b"abcd", content_range)

    assert first_error(answer) == (status, code)
    assert part(storage, start, CONTENT, f"0-{len(CONTENT) - 1}").status_code == 202


def test_wrong_digest_ends_an_upload(storage):
    """Neither the named digest nor that of the content is stored."""
    start = begun(storage)
    answer = finish(storage, start, CONTENT, digest=ABSENT)

    assert first_error(answer) == (400, "DIGEST_INVALID")
    assert storage.blob(NAME, ABSENT).status_code == 404
    assert storage.blob(NAME, DIGEST).status_code == 404
    assert finish(storage, start, CONTENT).is_error


@pytest.mark.parametrize("digest", ["", "sha256:short", "md5:" + "0" * 32])
def test_bad_digest_can_be_corrected(storage, digest):
    """The upload goes on after a digest that no content can have."""
    start = begun(storage)
    answer = finish(storage, start, CONTENT, digest=digest)

    assert first_error(answer) == (400, "DIGEST_INVALID")
    assert finish(storage, start, CONTENT).status_code == 201


def test_cancelled_upload_is_unknown(storage):
    """The content of a cancelled upload is deleted."""
    start = begun(storage)
    cancelled = storage.ask("DELETE", start.headers["location"])

    assert cancelled.status_code == 204
    answer = storage.ask("GET", start.headers["location"])
    assert first_error(answer) == (404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize(
    ("source", "status"), [(NAME, 201), ("bytequester/none", 202)], ids=["there", "not there"]
)
def test_mount_needs_a_blob_to_mount(stored, source, status):
    """A mount of a missing blob begins an upload."""
    path = f"/v2/bytequester/other/blobs/uploads/?mount={DIGEST}&from={source}"
    answer = stored.ask("POST", path)

    assert answer.status_code == status
    assert stored.blob("bytequester/other", DIGEST).is_success is (status == 201)


@pytest.mark.parametrize("media_type", [OCI, DOCKER])
def test_manifest_comes_back_by_tag_and_digest(stored, media_type):
    """The manifest has its media type and its bytes."""
    content = image(mediaType=media_type)
    pushed = put(stored, "v1", content, media_type)
    digest = "sha256:" + hashlib.sha256(content).hexdigest()

    assert (pushed.status_code, pushed.headers["docker-content-digest"]) == (201, digest)
    assert pushed.headers["location"] == f"/v2/{NAME}/manifests/{digest}"
    for reference in ("v1", digest):
        answer = stored.manifest(NAME, reference)
        assert (answer.content, answer.headers["content-type"]) == (content, media_type)
        assert answer.headers["docker-content-digest"] == digest


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"no JSON", OCI),
        (b"[]", OCI),
        (image(mediaType=INDEX), OCI),
        (image(manifests=[{"digest": DIGEST}]), OCI),
        (image(layers="none"), OCI),
    ],
    ids=["no JSON", "a list", "other media type", "an index's key", "layers are no list"],
)
def test_document_that_is_no_manifest_is_refused(stored, content, media_type):
    """Every kind of invalid manifest is refused."""
    assert first_error(put(stored, "v1", content, media_type)) == (400, "MANIFEST_INVALID")


def test_manifest_needs_its_blobs(storage):
    """Blobs must be pushed before the manifest that names them."""
    assert first_error(put(storage, "v1", image())) == (400, "MANIFEST_BLOB_UNKNOWN")


def test_manifest_under_another_digest_is_refused(stored):
    """The digest in the path must be that of the content."""
    assert first_error(put(stored, ABSENT, image())) == (400, "DIGEST_INVALID")


def test_index_may_name_what_is_not_there(storage):
    """The suite pushes indexes that are broken on purpose."""
    child = {"mediaType": OCI, "digest": ABSENT, "size": 2}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}

    assert put(storage, "v1", json.dumps(index).encode(), INDEX).status_code == 201


def test_manifest_is_given_to_whom_names_its_type(stored):
    """`*/*` names no OCI type."""
    put(stored, "v1", image())
    path = f"/v2/{NAME}/manifests/v1"
    answer = stored.ask("GET", path, headers={"accept": f"*/*, {INDEX}"})

    assert first_error(answer) == (404, "MANIFEST_UNKNOWN")
    assert stored.ask("GET", path, headers={"accept": f"{OCI}; q=0.5, */*"}).status_code == 200


def test_tag_moves_and_both_manifests_stay(stored):
    """A tag points to the manifest that was pushed last."""
    first = put(stored, "v1", image()).headers["docker-content-digest"]
    second = put(stored, "v1", image(annotations={"n": "2"})).headers["docker-content-digest"]

    assert stored.tags(NAME) == {"v1": second}
    assert stored.manifest(NAME, first).status_code == 200


def test_tags_come_in_pages(stored):
    """Tags are in lexical order, capitals first; every page but the last has a link to the next."""
    for tag in ("b", "a", "A", "c"):
        put(stored, tag, image())
    path = f"/v2/{NAME}/tags/list"
    page = stored.ask("GET", f"{path}?n=3")
    rest = stored.ask("GET", f"{path}?n=3&last=b")

    assert stored.ask("GET", path).json() == {"name": NAME, "tags": ["A", "a", "b", "c"]}
    assert page.json()["tags"] == ["A", "a", "b"]
    assert page.headers["link"] == f'<{path}?last=b&n=3>; rel="next"'
    assert (rest.json()["tags"], "link" in rest.headers) == (["c"], False)
    assert first_error(stored.ask("GET", f"{path}?n=many")) == (400, "PAGINATION_NUMBER_INVALID")


def test_tags_of_an_unknown_repository_are_unknown(storage):
    """An unknown repository answers 404 instead of an empty list."""
    answer = storage.ask("GET", "/v2/bytequester/none/tags/list")

    assert first_error(answer) == (404, "NAME_UNKNOWN")


def test_deleted_tag_leaves_its_manifest(stored):
    """The manifest is still served by its digest."""
    digest = put(stored, "v1", image()).headers["docker-content-digest"]
    path = f"/v2/{NAME}/manifests/v1"
    deleted, again = stored.ask("DELETE", path), stored.ask("DELETE", path)

    assert deleted.status_code == 202
    assert first_error(again) == (404, "MANIFEST_UNKNOWN")
    assert stored.tags(NAME) == {}
    assert stored.manifest(NAME, digest).status_code == 200


def test_deleted_manifest_takes_its_tags(stored):
    """A deleted manifest leaves no tag that points to it."""
    digest = put(stored, "v1", image()).headers["docker-content-digest"]
    put(stored, "v2", image())
    put(stored, "other", image(annotations={"n": "2"}))
    path = f"/v2/{NAME}/manifests/{digest}"

    assert stored.ask("DELETE", path).status_code == 202
    assert list(stored.tags(NAME)) == ["other"]
    assert first_error(stored.ask("DELETE", path)) == (404, "MANIFEST_UNKNOWN")


def test_deleted_blob_is_gone(stored):
    """Only the repository that the blob was deleted from loses it."""
    path = f"/v2/{NAME}/blobs/{DIGEST}"

    assert stored.ask("DELETE", path).status_code == 202
    assert first_error(stored.ask("GET", path)) == (404, "BLOB_UNKNOWN")
    assert first_error(stored.ask("DELETE", path)) == (404, "BLOB_UNKNOWN")
