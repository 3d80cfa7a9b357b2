"""The cache of the digests of tags, and its invalidation."""

from ghcr_emulator.state.tag_digests import TagDigests

REPOSITORY = "acme/app"


def test_digest_is_known_until_tag_moves():
    """A moved tag leaves the digests of other tags known."""
    tags = TagDigests()
    for tag in ("v1", "v2"):
        tags.learn(REPOSITORY, tag, f"sha256:{tag}", tags.moves(REPOSITORY, tag))

    tags.may_move(REPOSITORY, "v1")

    assert tags.known(REPOSITORY, "v1") == ""
    assert tags.known(REPOSITORY, "v2") == "sha256:v2"


def test_answer_from_before_a_move_is_not_kept():
    """The digest is not stored where a push came after the request."""
    tags = TagDigests()
    moves = tags.moves(REPOSITORY, "v1")
    tags.may_move(REPOSITORY, "v1")

    tags.learn(REPOSITORY, "v1", "sha256:old", moves)

    assert tags.known(REPOSITORY, "v1") == ""


def test_repository_is_forgotten_with_tags():
    """Other repositories stay known."""
    tags = TagDigests()
    for repository in (REPOSITORY, "acme/other"):
        tags.learn(repository, "v1", "sha256:one", 0)

    tags.forget(REPOSITORY)

    assert tags.known(REPOSITORY, "v1") == ""
    assert tags.known("acme/other", "v1") == "sha256:one"
