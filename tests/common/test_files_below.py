"""Files of a folder that others wrote: links within it are followed, and none that leaves it."""

import pytest

from pullrecovery.common.errors import UsageError
from pullrecovery.common.files_below import files_below


@pytest.fixture(name="root")
def _root(tmp_path):
    """Return a folder with a file, and a file beside it that is none of its."""
    (tmp_path / "outside").write_text("secret")
    root = tmp_path / "root"
    (root / "docs").mkdir(parents=True)
    (root / "docs" / "page.md").write_text("a page")
    return root


def _names(root, left_out=frozenset()):
    return [path.relative_to(root).as_posix() for path in files_below(root, left_out)]


def test_link_within_the_folder_is_a_file(root):
    """One to a directory is not entered, so that nothing is found twice."""
    (root / "link.md").symlink_to("docs/page.md")
    (root / "linked").symlink_to("docs")

    assert _names(root) == ["docs/page.md", "link.md"]


@pytest.mark.parametrize(
    "target", ["/etc/hostname", "../outside", "docs/../../outside", "/", "..", "/none", "link"]
)
def test_link_leaving_folder_is_refused(root, target):
    """Also one to a directory, to what is not there, and to itself."""
    (root / "link").symlink_to(target)

    with pytest.raises(UsageError) as refused:
        files_below(root)

    assert str(refused.value).startswith(f"link in {root} is a symbolic link to {target!r}, which")


def test_link_chain_leaving_folder_is_refused(root):
    """Each of them leads out, by way of the other."""
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("../outside")

    with pytest.raises(UsageError, match="is a symbolic link to"):
        files_below(root)


def test_what_is_left_out_is_not_looked_at(root):
    """Packages that somebody installed there may be links to anywhere."""
    (root / "node_modules").mkdir()
    (root / "node_modules" / "link").symlink_to("/etc/hostname")
    (root / "build").symlink_to("/etc")

    assert _names(root, frozenset({"node_modules", "build"})) == ["docs/page.md"]
