"""The emulator and distribution as processes: errors of their start."""

import ctypes
import json
import stat

import pytest

from ghcr_emulator.certificates import issue_certificate
from ghcr_emulator.server.malloc import keep_freed_memory
from ghcr_emulator.state.config import read_config
from ghcr_emulator.storage.location import distribution_url
from pullrecovery.common.wait import WaitError
from pullrecovery.lab.engine.network import free_ports
from pullrecovery.lab.registry.loopback import (
    running_distribution,
    running_emulator,
)


@pytest.fixture(name="broken")
def _broken(tmp_path):
    """Return a registry that exits at every start."""
    binary = tmp_path / "registry"
    binary.write_text("#!/bin/sh\necho no such configuration\nexit 3\n")
    binary.chmod(0o755)
    return binary


def test_failed_emulator_start_says_why(tmp_path):
    """The error has the output of the process, and comes without a wait."""
    storage = distribution_url(tmp_path / "none", tmp_path / "storage")
    emulator = running_emulator(storage, tmp_path / "front")
    with pytest.raises(WaitError, match="none cannot be started: No such file"), emulator:
        pytest.fail("it cannot have answered")

    config = read_config(tmp_path / "front")
    assert config.settings.registry_host == config.settings.control_host == "127.0.0.1"


def test_failed_distribution_start_says_why(tmp_path, broken):
    """The configuration holds a secret, and only its owner can read it."""
    distribution = running_distribution(broken, tmp_path / "bare")
    with pytest.raises(WaitError, match="no such configuration"), distribution:
        pytest.fail("it cannot have answered")

    config = tmp_path / "bare" / "config.json"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert "tls" not in json.loads(config.read_text())["http"]


def test_distribution_with_certificate_uses_tls(tmp_path, broken):
    """The certificate is of the same kind as the emulator's."""
    (tmp_path / "certificate").mkdir()
    certificate = issue_certificate(tmp_path / "certificate")
    distribution = running_distribution(broken, tmp_path / "tls", certificate)
    with pytest.raises(WaitError, match="no such configuration"), distribution:
        pytest.fail("it cannot have answered")

    http = json.loads((tmp_path / "tls" / "config.json").read_text())["http"]
    assert http["tls"] == {
        "certificate": str(certificate.chain_file),
        "key": str(certificate.key_file),
    }
    assert http["addr"].startswith("127.0.0.1:")
    assert stat.S_IMODE(certificate.key_file.stat().st_mode) == 0o600


def test_free_ports_are_not_the_same():
    """The ports are requested together."""
    assert len(set(free_ports(5))) == 5


def test_freed_memory_is_kept():
    """On other C libraries the emulator is slower, and does not fail."""
    assert keep_freed_memory() is hasattr(ctypes.CDLL(None), "mallopt")
