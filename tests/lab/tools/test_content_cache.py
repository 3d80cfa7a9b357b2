"""Keys by content, and folders that are whole or not there."""

import hashlib

import pytest

from pullrecovery.lab.tools.content_cache import key_of, sweep_scratch, whole_folder


@pytest.fixture(name="source")
def _source(tmp_path):
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    (folder / "a").write_text("1")
    (folder / "deep" / "b").write_text("2")
    return folder


def _half_make(target, error):
    """Come as far as one file, and no further."""
    with whole_folder(target) as scratch:
        (scratch / "file").write_text("half")
        raise error


def test_key_is_reproducible(source):
    """The cache of one run serves the next."""
    key = key_of(["linux", b"bytes", source])

    assert key == "a5c81dc3a1d4be90b968fe3d25b0f0ea656740487da420410e569d437c9697d9"


def test_key_has_every_bit_of_its_hash(source):
    """Two contents with one key of 64 bits can be found, and one would be taken for the other."""
    assert len(bytes.fromhex(key_of([source]))) == hashlib.sha256().digest_size


def test_parts_do_not_run_together():
    """Each counts with its length."""
    assert len({key_of(["ab"]), key_of(["a", "b"]), key_of(["b", "a"]), key_of(["ab", ""])}) == 4


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a").write_text("3"),
        lambda folder: (folder / "a").rename(folder / "c"),
        lambda folder: (folder / "deep" / "b").rename(folder / "b"),
        lambda folder: (folder / "empty").touch(),
        lambda folder: (folder / "a").unlink(),
    ],
    ids=["content", "name", "place", "one file more", "one file less"],
)
def test_folder_change_changes_key(source, change):
    """What is built from it is then built anew."""
    before = key_of([source])

    change(source)

    assert key_of([source]) != before


def test_compiled_python_does_not_count(source):
    """It comes and goes by itself."""
    before = key_of([source])

    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "a.pyc").write_text("compiled")

    assert key_of([source]) == before


def test_folder_exists_after_success(tmp_path):
    """And anybody may look into it."""
    target = tmp_path / "new" / "target"

    with whole_folder(target) as scratch:
        (scratch / "file").write_text("whole")
        assert not target.exists()

    assert (target / "file").read_text() == "whole"
    assert target.stat().st_mode & 0o777 == 0o755
    assert [entry.name for entry in target.parent.iterdir()] == ["target"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt], ids=lambda error: error.__name__)
def test_exception_leaves_nothing(tmp_path, error):
    """Not even the half of it under another name."""
    with pytest.raises(error):
        _half_make(tmp_path / "target", error)

    assert list(tmp_path.iterdir()) == []


def test_exception_keeps_old_folder(tmp_path):
    """A failed second build does not cost the first."""
    target = tmp_path / "target"
    with whole_folder(target) as scratch:
        (scratch / "file").write_text("old")

    with pytest.raises(InterruptedError):
        _half_make(target, InterruptedError)

    assert (target / "file").read_text() == "old"


def test_old_folder_is_replaced_whole(tmp_path):
    """Nothing of the old one is left among the new."""
    target = tmp_path / "target"
    with whole_folder(target) as scratch:
        (scratch / "old").touch()

    with whole_folder(target) as scratch:
        (scratch / "new").touch()

    assert [entry.name for entry in target.iterdir()] == ["new"]


def test_what_a_killed_run_left_is_swept_away(tmp_path):
    """Only that: what is whole stays."""
    (tmp_path / ".kind-0123.abcd").mkdir()
    (tmp_path / ".kind-0123.abcd" / "half").touch()
    (tmp_path / "kind-0123").mkdir()

    sweep_scratch(tmp_path)
    sweep_scratch(tmp_path / "nowhere")

    assert [entry.name for entry in tmp_path.iterdir()] == ["kind-0123"]
