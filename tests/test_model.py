"""The nouns: what is equal, and what they say of themselves."""

from pullrecovery.model import Cause, Image, fails, holds
from tests import recorded


def test_image_is_named_in_its_parts():
    """A registry, a package, a tag."""
    image = Image("ghcr.io/bytequester/backend", "v1")

    assert image.reference == "ghcr.io/bytequester/backend:v1"
    assert (image.registry, image.package) == ("ghcr.io", "bytequester/backend")


def test_verdicts_are_equal_by_what_they_say_not_by_their_evidence():
    """So a test can compare with the cause alone."""
    assert fails(Cause.NOT_WIRED, "seen", "do") == fails(Cause.NOT_WIRED)
    assert fails(Cause.NOT_WIRED) != fails(Cause.PODS_STALE)
    assert fails(Cause.NOT_WIRED) != holds()


def test_verdict_says_cause_evidence_and_remedy():
    """In one line, for whoever reads the log."""
    assert str(holds()) == "holds"
    assert str(fails(Cause.NOT_WIRED, "no pod names it", "set it")) == (
        "fails: wiring.not-wired: no pod names it -- mend it: set it"
    )


def test_no_two_causes_are_one():
    """Two faults share a cause only if one command mends both."""
    assert len({cause.value for cause in Cause}) == len(Cause.__members__)


def test_probe_says_who_answered_what():
    """It is the evidence of many a verdict."""
    assert str(recorded.BAD_TOKEN) == "the token answered 403: denied: denied"
    assert str(recorded.ACCEPTED) == "the registry answered 200"
