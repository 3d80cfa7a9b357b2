"""Keys by content, and directories that are complete or missing."""

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
    """Create one file of the directory, and stop there."""
    with whole_folder(target) as scratch:
        (scratch / "file").write_text("half")
        raise error


def test_key_is_reproducible(source):
    """The next run finds the cache of the first."""
    key = key_of(["linux", b"bytes", source])

    assert key == "a5c81dc3a1d4be90b968fe3d25b0f0ea656740487da420410e569d437c9697d9"


def test_key_has_every_bit_of_its_hash(source):
    """Two contents with one key of 64 bits can be found, and would be mistaken for each other."""
    assert len(bytes.fromhex(key_of([source]))) == hashlib.sha256().digest_size


def test_parts_do_not_run_together():
    """Each part counts with its length."""
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
    """A new key means a new build."""
    before = key_of([source])

    change(source)

    assert key_of([source]) != before


def test_compiled_python_does_not_count(source):
    """Compiled files appear and disappear on their own."""
    before = key_of([source])

    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "a.pyc").write_text("compiled")

    assert key_of([source]) == before


def test_folder_exists_after_success(tmp_path):
    """Every user may read the directory."""
    target = tmp_path / "new" / "target"

    with whole_folder(target) as scratch:
        (scratch / "file").write_text("whole")
        assert not target.exists()

    assert (target / "file").read_text() == "whole"
    assert target.stat().st_mode & 0o777 == 0o755
    assert [entry.name for entry in target.parent.iterdir()] == ["target"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt], ids=lambda error: error.__name__)
def test_exception_leaves_nothing(tmp_path, error):
    """No partial directory stays under another name."""
    with pytest.raises(error):
        _half_make(tmp_path / "target", error)

    assert list(tmp_path.iterdir()) == []


def test_exception_keeps_old_folder(tmp_path):
    """A failed second build leaves the result of the first."""
    target = tmp_path / "target"
    with whole_folder(target) as scratch:
        (scratch / "file").write_text("old")

    with pytest.raises(InterruptedError):
        _half_make(target, InterruptedError)

    assert (target / "file").read_text() == "old"


def test_old_folder_is_replaced_whole(tmp_path):
    """The new directory has no file of the old one."""
    target = tmp_path / "target"
    with whole_folder(target) as scratch:
        (scratch / "old").touch()

    with whole_folder(target) as scratch:
        (scratch / "new").touch()

    assert [entry.name for entry in target.iterdir()] == ["new"]


def test_what_a_killed_run_left_is_swept_away(tmp_path):
    """Complete directories stay."""
    (tmp_path / ".kind-0123.abcd").mkdir()
    (tmp_path / ".kind-0123.abcd" / "half").touch()
    (tmp_path / "kind-0123").mkdir()

    sweep_scratch(tmp_path)
    sweep_scratch(tmp_path / "nowhere")

    assert [entry.name for entry in tmp_path.iterdir()] == ["kind-0123"]
