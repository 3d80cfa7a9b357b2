"""Details of parsed paths that no answer shows."""

import pytest

from ghcr_emulator.protocol.routes import Route, RouteTarget, parse

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (f"manifests/{DIGEST}", RouteTarget(Route.MANIFEST, "o/p", DIGEST)),
        ("manifests/sha256:short", RouteTarget(Route.MANIFEST, "o/p", "sha256:short")),
        ("blobs/sha256:short", RouteTarget(Route.BLOB, "o/p", "sha256:short")),
        ("manifests/SHA256:short", RouteTarget(Route.OTHER)),
        (f"manifests/v1@{DIGEST}", RouteTarget(Route.OTHER)),
        ("blobs/v1", RouteTarget(Route.OTHER)),
    ],
)
def test_impossible_digest_is_forwarded(path, target):
    """The registry answers 400 to an impossible digest, and 404 to an unknown path."""
    assert parse(f"/v2/o/p/{path}") == target


@pytest.mark.parametrize(("reference", "digest"), [(DIGEST, DIGEST), ("sha256:short", None)])
def test_log_gets_possible_digests_alone(reference, digest):
    """The log records only digests that content can have."""
    assert parse(f"/v2/o/p/manifests/{reference}").digest == digest
