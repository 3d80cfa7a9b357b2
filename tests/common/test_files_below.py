"""Files of an untrusted directory: links within it are followed, and links out of it refused."""

import pytest

from pullrecovery.common.errors import UsageError
from pullrecovery.common.files_below import files_below


@pytest.fixture(name="root")
def _root(tmp_path):
    """Return a directory with a file, and a file outside of it."""
    (tmp_path / "outside").write_text("secret")
    root = tmp_path / "root"
    (root / "docs").mkdir(parents=True)
    (root / "docs" / "page.md").write_text("a page")
    return root


def _names(root, left_out=frozenset()):
    return [path.relative_to(root).as_posix() for path in files_below(root, left_out)]


def test_link_within_the_folder_is_a_file(root):
    """A link to a directory is not followed, so that no file is found twice."""
    (root / "link.md").symlink_to("docs/page.md")
    (root / "linked").symlink_to("docs")

    assert _names(root) == ["docs/page.md", "link.md"]


@pytest.mark.parametrize(
    "target", ["/etc/hostname", "../outside", "docs/../../outside", "/", "..", "/none", "link"]
)
def test_link_leaving_folder_is_refused(root, target):
    """A link is refused if it leads to an outer directory, to a missing file, or to itself."""
    (root / "link").symlink_to(target)

    with pytest.raises(UsageError) as refused:
        files_below(root)

    assert str(refused.value).startswith(f"link in {root} is a symbolic link to {target!r}, which")


def test_link_chain_leaving_folder_is_refused(root):
    """A chain of links is refused where each of them leads out by way of the other."""
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("../outside")

    with pytest.raises(UsageError, match="is a symbolic link to"):
        files_below(root)


def test_what_is_left_out_is_not_looked_at(root):
    """An installed package in a skipped directory may be a link to anywhere."""
    (root / "node_modules").mkdir()
    (root / "node_modules" / "link").symlink_to("/etc/hostname")
    (root / "build").symlink_to("/etc")

    assert _names(root, frozenset({"node_modules", "build"})) == ["docs/page.md"]
