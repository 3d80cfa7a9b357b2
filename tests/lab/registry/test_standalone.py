"""The standalone emulator: its first world, and its printed usage."""

import stat
import sys

import pytest

from ghcr_emulator import standalone
from ghcr_emulator.__main__ import main as run_emulator
from ghcr_emulator.standalone import serve_standalone
from ghcr_emulator.state.world_file import read_world
from ghcr_emulator.storage.location import parse_location
from pullrecovery.__main__ import main
from pullrecovery.common.errors import Exit


@pytest.fixture(name="stopped")
def _stopped(monkeypatch):
    """End an emulator as soon as it has printed its usage."""

    async def end(storage, stop):
        del storage, stop
        return 0

    monkeypatch.setattr(standalone, "watch", end)


def test_first_world_has_a_private_package(tmp_path):
    """Only this user can read the token."""
    file = standalone._write_world(standalone._Folder(tmp_path))

    world = read_world(file.read_text(), str(file), tmp_path)

    assert [str(package.visibility) for package in world.packages] == ["private"]
    assert [credential.login for credential in world.credentials] == ["ByteQuester"]
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


def test_missing_world_file_is_named(tmp_path, capsys):
    """Both commands name the missing file, and start nothing."""
    missing = tmp_path / "accounts.yaml"

    assert main(["ghcr", "--accounts", str(missing)]) == Exit.UNKNOWN
    assert capsys.readouterr().err == f"error: There is no world file {missing}.\n"
    assert run_emulator(["--accounts", str(missing)]) == 2


def test_bad_storage_is_a_usage_error(capsys):
    """`pull-recovery ghcr` lists the forms of a storage."""
    assert main(["ghcr", "--storage", "s3://bucket"]) == Exit.USAGE
    assert capsys.readouterr().err == (
        "error: --storage: storage 's3://bucket': must be file:///FOLDER,"
        " distribution:///BINARY?root=/FOLDER or http://HOST:PORT.\n"
    )


def test_missing_extra_is_named(monkeypatch, capsys):
    """The error says what to install, here without trustme."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    for name in ("ghcr_emulator.standalone", "ghcr_emulator.certificates"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    assert main(["ghcr"]) == Exit.USAGE
    assert capsys.readouterr().err == (
        "error: this command needs the Python module trustme, which the plain install has not:"
        " pip install 'pull-recovery[ghcr]'\n"
    )


@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize("accounts", [None, "users:\n  Alice:\n"])
def test_usage_is_printed(tmp_path, accounts):
    """The usage mentions a token only where the emulator created it."""
    told, file = [], tmp_path / "accounts.yaml"
    file.write_text(accounts or "")

    code = serve_standalone(file if accounts else None, parse_location(None), told.append)

    assert code == 0
    assert "export HTTPS_PROXY=http://127.0.0.1:" in told[0]
    assert ("--password-stdin" in told[0]) is (accounts is None)
    assert "It keeps nothing." in told[0]


@pytest.mark.usefixtures("stopped")
def test_images_in_a_named_folder_stay(tmp_path):
    """Images end with the process only without --storage."""
    told = []

    serve_standalone(None, parse_location(f"file://{tmp_path}/images"), told.append)

    assert "Its images stay." in told[0]
    assert (tmp_path / "images" / "uploads").is_dir()
