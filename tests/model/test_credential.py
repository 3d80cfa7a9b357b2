"""A credential is the same whoever issued it."""

from pullrecovery.lab.seed import IssuedToken
from pullrecovery.model.probe import Credential


def test_issued_token_equals_its_credential():
    """A Secret holds the login and the token of an issued token, without its name."""
    issued, read = IssuedToken("octo", "ghp_1", "octo-1"), Credential("octo", "ghp_1")

    assert issued == read
    assert {issued} == {read}
    assert issued != Credential("octo", "ghp_2")
    assert "ghp_1" not in repr(issued)
