"""The stand-in alone: the world that it begins with, and what a user is told."""

import stat

import pytest

from ghcr_emulator.state.world_file import read_world
from pullrecovery.__main__ import main
from pullrecovery.cli import run_lab as commands
from pullrecovery.common.errors import Exit
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.registry import standalone as alone


def test_world_of_its_own_is_one_that_the_stand_in_takes(tmp_path):
    """With a private package, and a token that only this user can read."""
    file = alone._make_world(tmp_path)

    world = read_world(file.read_text(), str(file), tmp_path)

    assert [str(package.visibility) for package in world.packages] == ["private"]
    assert [credential.login for credential in world.credentials] == ["ByteQuester"]
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


def test_world_file_that_is_not_there_is_named(tmp_path, capsys):
    """Before anything is built."""
    missing = tmp_path / "people.yaml"

    assert main(["lab", "ghcr", "--people", str(missing)]) == Exit.CANNOT_TELL
    assert capsys.readouterr().err == f"error: There is no world file {missing}.\n"


def test_interrupt_is_its_usual_end(monkeypatch, capsys):
    """And no error."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "serve_alone", interrupted)

    assert main(["lab", "ghcr"]) == Exit.HOLDS
    assert capsys.readouterr().out == "stopped; nothing is kept\n"


@pytest.mark.parametrize("people", [None, "a world file"])
def test_people_are_those_of_the_file_or_its_own(monkeypatch, tmp_path, people):
    """A token is spoken of only where it is its own."""
    given, said = [], []
    file = tmp_path / "people.yaml"
    file.touch()

    class Front:
        def __init__(self, _registry, _folder, world):
            given.append(world)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    async def lead_there(_front, _folder, token, _say):
        said.append(token)

    monkeypatch.setattr(alone, "find_go", lambda _: tmp_path / "go")
    monkeypatch.setattr(alone.Toolchain, "build", lambda *_: None)
    monkeypatch.setattr(alone, "running_front", Front)
    monkeypatch.setattr(alone, "_lead_there", lead_there)

    alone.serve_alone(Paths(tmp_path / "c", tmp_path / "s"), file if people else None, print)

    assert (given[0] == file) is bool(people)
    assert bool(said[0]) is not bool(people)
