"""The entry of a pull secret that the kubelet uses for an image, and unreadable secrets."""

import json

import pytest

from pullrecovery.model.probe import Credential
from pullrecovery.registry.keyring import (
    UnreadableSecretError,
    in_order,
    matches,
    read_entries,
    read_legacy_entries,
    read_secret,
)

IMAGE = "ghcr.io/bytequester/backend"
AUTH = "Qnl0ZVF1ZXN0ZXI6czNudDFuM2w="


def _entries(auths):
    return read_entries(json.dumps({"auths": auths}))


@pytest.mark.parametrize(
    "server",
    [
        "ghcr.io",
        "https://ghcr.io",
        "http://ghcr.io",
        "ghcr.io/",
        "https://ghcr.io/v1/",
        "https://ghcr.io/v2/",
        "*.io",
        "gh*.io",
        "ghcr.io/bytequester",
        "ghcr.io/bytequester/backend",
        "https://ghcr.io/v2/bytequester",
        "ghcr.io/byte",
    ],
)
def test_server_that_fits_the_image_matches(server):
    """A server matches with or without a scheme, by a glob, and by a prefix of the path."""
    assert matches(server, IMAGE)


@pytest.mark.parametrize(
    "server",
    [
        "ghcr.io:443",
        "https://ghcr.io:443",
        "https://github.com",
        "docker.io",
        "ghcr.io/other",
        "ghcr.io/bytequester/backend/more",
        "ghcr.io/ByteQuester",
        "GHCR.IO",
        "*",
        "*.ghcr.io",
        "ghcr",
        "https://ghcr.io/v2",
        "",
    ],
)
def test_wrong_server_does_not_match_image(server):
    """Nothing reports the mismatch: the kubelet pulls as if there were no Secret."""
    assert not matches(server, IMAGE)


def test_port_of_the_image_must_be_the_servers():
    """A key without a port does not match a registry with one."""
    assert matches("localhost:5000", "localhost:5000/backend")
    assert not matches("localhost", "localhost:5000/backend")


@pytest.mark.parametrize(
    ("servers", "tried"),
    [
        (["ghcr.io"], ["ghcr.io"]),
        (["ghcr.io", "ghcr.io/bytequester"], ["ghcr.io/bytequester", "ghcr.io"]),
        (
            ["ghcr.io/bytequester", "ghcr.io/bytequester/backend"],
            ["ghcr.io/bytequester/backend", "ghcr.io/bytequester"],
        ),
        (["https://ghcr.io", "ghcr.io/bytequester"], ["ghcr.io/bytequester", "https://ghcr.io"]),
        (["https://ghcr.io", "ghcr.io"], ["https://ghcr.io", "ghcr.io"]),
        (["*.io", "ghcr.io", "docker.io"], ["ghcr.io", "*.io"]),
        (["docker.io", "ghcr.io/other"], []),
        ([], []),
    ],
    ids=[
        "one",
        "owner",
        "repository",
        "scheme is no rank",
        "equal ones as they come",
        "glob",
        "none fits",
        "empty",
    ],
)
def test_most_specific_server_is_tried_first(servers, tried):
    """The kubelet sorts the keys without their schemes, backwards."""
    found = in_order(((server, None) for server in servers), IMAGE)

    assert [server for server, _ in found] == tried


@pytest.mark.parametrize(
    "entry",
    [
        {"auth": AUTH},
        {"auth": AUTH.rstrip("=")},
        {"username": "ByteQuester", "password": "s3nt1n3l"},
        {"username": "ByteQuester", "password": "s3nt1n3l", "auth": ""},
        {"username": "someone", "password": "else", "auth": AUTH},
        {"Auth": AUTH[:8] + "\n" + AUTH[8:]},
    ],
    ids=["auth", "unpadded", "apart", "auth empty", "auth has the last word", "line break"],
)
def test_credential_is_read_from_every_form(entry):
    """The forms are those of `kubectl create secret docker-registry` and `docker login`."""
    assert _entries({"ghcr.io": entry}) == {"ghcr.io": Credential("ByteQuester", "s3nt1n3l")}


def test_token_may_hold_colons():
    """Only the first colon separates the login from the token."""
    assert _entries({"ghcr.io": {"auth": "YTpiOmM="}}) == {"ghcr.io": Credential("a", "b:c")}


@pytest.mark.parametrize(
    "document",
    ["{}", '{"auths": {}}', '{"auths": null}', '{"ghcr.io": {"auth": "%"}}'],
    ids=["empty", "no auths", "auths null", "legacy shape"],
)
def test_secret_for_no_server_is_readable(document):
    """A secret without servers is useless, but valid."""
    assert read_entries(document) == {}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("", "it is not JSON"),
        ("not json", "it is not JSON"),
        ("[]", "it is no object"),
        ('{"auths": "ghcr.io"}', "its `auths` is no mapping of servers"),
        ('{"auths": {"ghcr.io": "token"}}', "an entry is no object"),
        ('{"auths": {"ghcr.io": {"auth": 5}}}', "its `auth` is no text"),
        ('{"auths": {"ghcr.io": {"password": 5}}}', "its `password` is no text"),
        ('{"auths": {"ghcr.io": {"auth": "%%%"}}}', "its `auth` is not base64$"),
        ('{"auths": {"ghcr.io": {"auth": "YWJjZA="}}}', "its `auth` is not base64$"),
        ('{"auths": {"ghcr.io": {"auth": "YWJj"}}}', "not base64 of login:token"),
    ],
    ids=[
        "empty",
        "no JSON",
        "a list",
        "auths a text",
        "entry a text",
        "auth a number",
        "password a number",
        "no base64",
        "wrong padding",
        "no colon",
    ],
)
def test_unreadable_secret_says_why(document, reason):
    """The kubelet puts the error where the pod's reason belongs, and pulls nothing."""
    with pytest.raises(UnreadableSecretError, match=reason):
        read_entries(document)


@pytest.mark.parametrize("entry", [{}, None], ids=["empty", "null"])
def test_empty_entry_is_anonymous(entry):
    """The kubelet uses such an entry, and pulls anonymously."""
    assert _entries({"ghcr.io": entry}) == {"ghcr.io": Credential("", "")}


def test_legacy_document_has_top_level_servers():
    """A document of the newer form would have a server `auths`, which matches no image."""
    assert read_legacy_entries(json.dumps({"ghcr.io": {"auth": AUTH}})).keys() == {"ghcr.io"}
    assert read_legacy_entries(json.dumps({"auths": {"ghcr.io": {}}})).keys() == {"auths"}


@pytest.mark.parametrize("kind", ["Opaque", "kubernetes.io/dockercfg"])
def test_kubelet_reads_key_of_type(kind):
    """Other keys of the Secret are ignored without a message."""
    assert read_secret(kind, {".dockerconfigjson": "not even base64"}) == {}


def test_one_bad_entry_spoils_the_whole_secret():
    """The kubelet then uses none of the Secret's entries."""
    with pytest.raises(UnreadableSecretError):
        _entries({"ghcr.io": {"auth": AUTH}, "docker.io": {"auth": "YWJj"}})


def test_reason_does_not_repeat_the_secret():
    """Unreadable content may still be a token."""
    with pytest.raises(UnreadableSecretError) as caught:
        _entries({"ghcr.io": {"auth": "Z2hwX1MzbnQxbmVs"}})

    assert "ghp_S3nt1nel" not in str(caught.value)
    assert "Z2hwX1MzbnQxbmVs" not in str(caught.value)
