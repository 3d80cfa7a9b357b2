"""Image references, parsed and checked as by the kubelet."""

from dataclasses import replace

import pytest

from pullrecovery.model.image_reference import Reference, parse_reference
from pullrecovery.model.target import Image

SHA = "sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ghcr.io/bytequester/backend:v1", ("ghcr.io", "bytequester/backend", "v1", "")),
        ("ghcr.io/bytequester/backend", ("ghcr.io", "bytequester/backend", "", "")),
        (f"ghcr.io/bytequester/backend@{SHA}", ("ghcr.io", "bytequester/backend", "", SHA)),
        (f"ghcr.io/bytequester/backend:v1@{SHA}", ("ghcr.io", "bytequester/backend", "v1", SHA)),
        ("localhost:5000/backend:v1", ("localhost:5000", "backend", "v1", "")),
        ("localhost/backend:v1", ("localhost", "backend", "v1", "")),
        ("ghcr.io/a/b/c-d.e__f:V1_0.x-y", ("ghcr.io", "a/b/c-d.e__f", "V1_0.x-y", "")),
        ("nginx:1.29", ("docker.io", "library/nginx", "1.29", "")),
        ("bytequester/backend:v1", ("docker.io", "bytequester/backend", "v1", "")),
    ],
    ids=[
        "tag",
        "no tag",
        "digest",
        "tag and digest",
        "port",
        "localhost",
        "every separator",
        "no registry and no owner",
        "no registry",
    ],
)
def test_valid_reference_comes_in_its_parts(text, parts):
    """A valid reference has registry, path, tag and digest, and no problem."""
    assert parse_reference(text) == Reference(*parts, problem="")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "ghcr.io/ByteQuester/backend:v1",
            "repository name (ByteQuester/backend) must be lowercase",
        ),
        (
            "ghcr.io/bytequester/Backend",
            "repository name (bytequester/Backend) must be lowercase",
        ),
        ("ghcr.io/bytequester//backend", "'bytequester//backend' is no repository name"),
        ("ghcr.io/bytequester/backend-:v1", "'bytequester/backend-' is no repository name"),
        ("ghcr.io/bytequester/back___end", "'bytequester/back___end' is no repository name"),
        ("ghcr.io/", "'' is no repository name"),
        ("ghcr.io/bytequester/backend:-dev", "'-dev' is no tag"),
        ("ghcr.io/bytequester/backend:a b", "'a b' is no tag"),
        ("ghcr.io/bytequester/backend:ä", "'ä' is no tag"),
        ("ghcr.io/bytequester/backend@sha256:abc", "'sha256:abc' is no digest"),
    ],
    ids=[
        "owner in capitals",
        "name in capitals",
        "empty part",
        "last character",
        "three underscores",
        "registry alone",
        "tag's first character",
        "blank in the tag",
        "tag beyond ASCII",
        "short digest",
    ],
)
def test_invalid_reference_has_its_problem(text, problem):
    """The error for capitals is containerd's own message, for which users search."""
    assert parse_reference(text).problem == problem


def test_tag_has_at_most_128_characters():
    """The limit comes from the grammar."""
    longest = "ghcr.io/bytequester/backend:" + "a" * 128

    assert parse_reference(longest).problem == ""
    assert parse_reference(f"{longest}a").problem.endswith("is no tag")


def test_repository_has_the_registry():
    """Values files name the repository with its registry."""
    assert parse_reference("ghcr.io/bytequester/backend:v1").repository == (
        "ghcr.io/bytequester/backend"
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ghcr.io/bytequester/backend:v1", "v1"),
        (f"ghcr.io/bytequester/backend@sha256:{'0' * 64}", f"sha256:{'0' * 64}"),
        (f"ghcr.io/bytequester/backend:v1@sha256:{'0' * 64}", f"sha256:{'0' * 64}"),
        ("ghcr.io/bytequester/backend", "latest"),
        ("ghcr.io/ByteQuester/backend:v1", "v1"),
    ],
)
def test_reference_prints_as_it_was_written(text, named):
    """Clients ask for the digest before the tag, and for `latest` without either."""
    reference = parse_reference(text)

    assert str(reference) == text
    assert reference.named == named


def test_image_carries_its_parsed_reference():
    """An image's reference is parsed once; an image with another tag has another reference."""
    image = Image("ghcr.io/bytequester/backend", "v1")

    assert image.parsed is image.parsed
    assert image.parsed == parse_reference(image.reference)
    assert replace(image, tag="v2").parsed.tag == "v2"
