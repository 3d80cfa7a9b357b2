"""What a path points at, where that is not seen in what is answered."""

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
    """It says 400, where a path that is nothing is 404."""
    assert parse(f"/v2/o/p/{path}") == target


@pytest.mark.parametrize(("reference", "digest"), [(DIGEST, DIGEST), ("sha256:short", None)])
def test_log_gets_possible_digests_alone(reference, digest):
    """So that what is asked of the log by digest is content."""
    assert parse(f"/v2/o/p/manifests/{reference}").digest == digest
