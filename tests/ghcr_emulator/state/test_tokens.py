"""Bearer tokens: their holders and their lifetime."""

from ghcr_emulator.state.tokens import Bearers


def test_token_names_its_holder():
    """A bearer token leads to its credential, or to none if it is anonymous."""
    bearers = Bearers()

    assert bearers.grant(bearers.issue("a fingerprint")).credential == "a fingerprint"
    assert bearers.grant(bearers.issue_anonymously("a/b", 1)).credential is None
    assert bearers.grant("made up") is None


def test_oldest_tokens_are_forgotten():
    """Memory holds only the newest tokens, whatever their number."""
    bearers = Bearers(kept=2)
    first, second, third = (bearers.issue(name) for name in "abc")

    assert bearers.grant(first) is None
    assert [bearers.grant(token).credential for token in (second, third)] == ["b", "c"]


def test_token_lasts_as_long_as_is_asked():
    """A token of the given age is unknown; without a limit it lasts."""
    now = [100.0]
    bearers = Bearers(clock=lambda: now[0])
    token = bearers.issue("a fingerprint")
    now[0] += 60

    assert bearers.grant(token, 61) is not None
    assert bearers.grant(token, 60) is None
    assert bearers.grant(token) is not None
