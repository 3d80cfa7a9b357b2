"""Bearer tokens: whom they stand for, and how long."""

from pullrecovery.lab.ghcr.tokens import ANYBODY, Bearers, Grant


def test_token_stands_for_whom_it_was_issued_to():
    """A credential's token leads to the credential, an anonymous one to anybody."""
    bearers = Bearers()

    assert bearers.grant(bearers.issue("a fingerprint")) == Grant("a fingerprint")
    assert bearers.grant(bearers.issue_to_anybody("a/b", 1)) == ANYBODY
    assert bearers.grant("made up") is None


def test_oldest_tokens_are_forgotten():
    """However many are asked for, memory holds the newest ones alone."""
    bearers = Bearers(kept=2)
    first, second, third = (bearers.issue(name) for name in "abc")

    assert bearers.grant(first) is None
    assert [bearers.grant(token).credential for token in (second, third)] == ["b", "c"]
