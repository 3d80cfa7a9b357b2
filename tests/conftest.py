"""What every test starts with."""

import pytest

from devtools.matrix_page import PAGE, not_run_yet
from pullrecovery.common import redaction, secret_variables
from pullrecovery.faults import FAULTS, external
from pullrecovery.lab import lock


def pytest_addoption(parser):
    """Let `make conformance` run the emulator's tests over another storage."""
    words = "distribution's binary: the emulator's tests run over it, and not over its own storage"
    parser.addoption("--distribution", metavar="BINARY", help=words)


def pytest_terminal_summary(terminalreporter):
    """Name the faults that no complete run has run yet; they are no error."""
    new = not_run_yet(PAGE.read_text(), [*FAULTS, *external.FAULTS])
    if new:
        terminalreporter.write_line(f"No complete run has run yet: {', '.join(new)}", yellow=True)


@pytest.fixture(autouse=True)
def _nothing_is_secret_yet(monkeypatch):
    """A short token of one test would be taken out of what another one reads."""
    monkeypatch.setattr(redaction, "_known", set())
    monkeypatch.setattr(secret_variables, "_taken", {})


@pytest.fixture(autouse=True)
def _no_engine_is_held(monkeypatch):
    """A test that holds a lab of its own puts no lock into an engine of this machine."""
    monkeypatch.setattr(lock, "running_engine", lambda _: None)
