"""What every test starts with."""

import pytest

from pullrecovery import redaction, secret_variables


@pytest.fixture(autouse=True)
def _nothing_is_secret_yet(monkeypatch):
    """A short token of one test would be taken out of what another one reads."""
    monkeypatch.setattr(redaction, "_known", set())
    monkeypatch.setattr(secret_variables, "_taken", {})
