"""The model's classes: their equality and their texts."""

from pullrecovery.model.target import Image
from pullrecovery.model.verdict import Cause, all_named, fails, not_applicable, passes, unknown
from tests.fakes import recorded


def test_image_is_named_in_its_parts():
    """An image has a registry, a package, and a tag."""
    image = Image("ghcr.io/bytequester/backend", "v1")

    assert image.reference == "ghcr.io/bytequester/backend:v1"
    assert (image.registry, image.package) == ("ghcr.io", "bytequester/backend")


def test_verdicts_compare_without_evidence():
    """A test can compare verdicts by the cause alone."""
    assert fails(Cause.NOT_WIRED, "seen", "do") == fails(Cause.NOT_WIRED)
    assert fails(Cause.NOT_WIRED) != fails(Cause.PODS_STALE)
    assert fails(Cause.NOT_WIRED) != passes()


def test_verdict_prints_cause_evidence_and_fix():
    """The text is one line for the log."""
    assert str(passes()) == "pass"
    assert str(passes("it is there")) == "pass: it is there"
    assert str(unknown("the API server forbids it")) == "unknown: the API server forbids it"
    assert str(not_applicable("there are no docs")) == "not applicable: there are no docs"
    assert str(fails(Cause.NOT_WIRED, "no pod names it", "set it")) == (
        "fail: wiring.not-wired: no pod names it -- fix: set it"
    )


SECRET = fails(Cause.SECRET_MISSING, "none there", "make it")
WIRE = fails(Cause.NOT_WIRED, "no pod names it", "set it")


def test_several_causes_are_in_fix_order():
    """A fixed cause uncovers the next one, so all of them are reported at once."""
    verdict = all_named(None, SECRET, WIRE)

    assert verdict == SECRET
    assert [one.cause for one in verdict.named] == [Cause.SECRET_MISSING, Cause.NOT_WIRED]
    assert str(verdict) == (
        "fail: secret.missing: none there -- fix: make it; "
        "and then wiring.not-wired: no pod names it -- fix: set it"
    )


def test_repeated_cause_is_named_once():
    """The order in which verdicts were combined does not matter."""
    verdict = all_named(all_named(SECRET, WIRE), fails(Cause.WRONG_TAG), SECRET)

    assert [one.cause for one in verdict.others] == [Cause.NOT_WIRED, Cause.WRONG_TAG]
    assert all(one.others == () for one in verdict.others)


def test_no_cause_is_no_verdict():
    """A missing cause can be used in an `or` before the next check."""
    assert all_named(None, None) is None


def test_no_two_causes_are_one():
    """Two faults share a cause only if one command fixes both."""
    assert len({cause.value for cause in Cause}) == len(Cause.__members__)


def test_probe_says_who_answered_what():
    """A probe is the evidence of many verdicts."""
    assert str(recorded.BAD_TOKEN) == "the token service answered 403: denied: denied"
    assert str(recorded.ACCEPTED) == "the registry answered 200"
