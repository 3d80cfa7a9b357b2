"""The gate judges the commit, whatever the checkout contains."""

import subprocess

import pytest

from pullrecovery.common.errors import UsageError
from pullrecovery.gate.commit import checked_out, commit_of, target_in

_ME = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_CONFIG_GLOBAL": "/dev/null"}
_ENV = _ME | {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c"}


@pytest.fixture
def git(tmp_path, monkeypatch):
    """Return a function that runs git in a new repository, without a user's settings."""
    for name, value in _ENV.items():
        monkeypatch.setenv(name, value)
    repository = tmp_path / "repository"
    repository.mkdir()

    def run(*arguments):
        found = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, check=True)
        return found.stdout.decode().strip()

    run("init", "-q")
    return run


@pytest.fixture
def target(git, tmp_path):
    """Return a target in a directory of the repository, in one commit."""
    folder = tmp_path / "repository" / "deploy"
    (folder / "charts").mkdir(parents=True)
    (folder / "target.yaml").write_text("name: first\n")
    (folder / "charts" / "Chart.yaml").write_text("name: chart\n")
    (tmp_path / "repository" / "README.md").write_text("elsewhere\n")
    git("add", ".")
    git("commit", "-qm", "first")
    return folder


def test_earlier_commit_is_exported(git, target, tmp_path):
    """The name of a commit becomes the full id, which the verdict contains."""
    first = git("rev-parse", "HEAD")
    (target / "target.yaml").write_text("name: second\n")
    git("commit", "-qam", "second")

    with checked_out(target, "HEAD~1", tmp_path) as revision:
        assert revision.sha == first
        assert (revision.folder / "target.yaml").read_text() == "name: first\n"
        assert (revision.folder / "charts" / "Chart.yaml").exists()
        folder = revision.folder
    assert not folder.exists()


def test_the_repository_is_as_before(git, target, tmp_path):
    """The index and the list of work trees are unchanged."""
    with checked_out(target, "HEAD", tmp_path):
        assert git("worktree", "list").count("\n") == 0
    assert git("status", "--porcelain") == ""


def test_what_is_not_for_export_is_judged_too(git, target, tmp_path):
    """Argo CD checks out files that `git archive` would omit."""
    (target / ".gitattributes").write_text("charts export-ignore\n")
    git("add", ".")
    git("commit", "-qm", "attributes")

    with checked_out(target, "HEAD", tmp_path) as revision:
        assert (revision.folder / "charts" / "Chart.yaml").exists()


def test_outer_attributes_change_nothing(git, target, tmp_path):
    """Line ends and idents of the checkout do not change the commit's content."""
    (tmp_path / "repository" / ".gitattributes").write_text("*.yaml text eol=crlf ident\n")
    (target / "target.yaml").write_text("name: $Id$\n")
    git("add", ".")
    git("commit", "-qm", "attributes")

    with checked_out(target, "HEAD", tmp_path) as revision:
        assert (revision.folder / "target.yaml").read_bytes() == b"name: $Id$\n"


def test_replaced_commit_is_judged_as_cloned(git, target, tmp_path):
    """A replace ref exists only in this clone, and not in Argo CD's."""
    first = git("rev-parse", "HEAD")
    (target / "target.yaml").write_text("name: harmless\n")
    git("commit", "-qam", "second")
    git("replace", first, git("rev-parse", "HEAD"))

    with checked_out(target, first, tmp_path) as revision:
        assert (revision.folder / "target.yaml").read_text() == "name: first\n"


def test_submodule_below_the_target_is_refused(git, target, tmp_path):
    """The content of a submodule is in no tree of this commit, but Argo CD fetches it."""
    commit = git("rev-parse", "HEAD")
    git("update-index", "--add", "--cacheinfo", f"160000,{commit},deploy/charts/vendored")
    git("commit", "-qm", "submodule")
    (target / "charts" / "vendored").mkdir()

    with (
        pytest.raises(UsageError, match=r"deploy/charts/vendored of .* is a submodule"),
        checked_out(target, "HEAD", tmp_path),
    ):
        pass


def test_repository_like_target_runs_nothing(git, target, tmp_path):
    """The target looks like a repository whose config names a program, which git would run."""
    core = "repositoryformatversion = 0\nbare = false\nworktree = .."
    for name, text in {
        "HEAD": "ref: refs/heads/none\n",
        "refs/kept": "",
        "objects/info/alternates": "../../.git/objects\n",
        "config": f'[core]\n{core}\nfsmonitor = "touch {tmp_path}/ran; false"\n',
    }.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text)
    git("add", ".")
    git("commit", "-qm", "repository")

    with checked_out(target, git("rev-parse", "HEAD"), tmp_path) as revision:
        assert (revision.folder / "config").is_file()
        assert commit_of(target, "HEAD") == revision.sha

    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "leads",
    ["/proc/self/environ", "../../outside", "charts/../../../etc/passwd", "loop"],
    ids=["absolute", "out of the repository", "by a detour", "to itself"],
)
def test_outward_symlink_is_refused(git, target, tmp_path, leads):
    """A chart would render the link's target of the judging machine."""
    (target / "loop").symlink_to(leads)
    git("add", ".")
    git("commit", "-qm", "link")

    with (
        pytest.raises(UsageError, match=r"deploy/loop of .* is a symbolic link to"),
        checked_out(target, "HEAD", tmp_path),
    ):
        pass


def test_inner_symlink_is_kept(git, target, tmp_path):
    """Charts share files by links, and executable files stay executable."""
    (target / "charts" / "same.yaml").symlink_to("../target.yaml")
    (target / "run").write_bytes(b"#!/bin/sh\n\xff\n")
    (target / "run").chmod(0o755)
    git("add", ".")
    git("commit", "-qm", "link")

    with checked_out(target, "HEAD", tmp_path) as revision:
        assert (revision.folder / "charts" / "same.yaml").read_text() == "name: first\n"
        assert (revision.folder / "run").read_bytes() == b"#!/bin/sh\n\xff\n"
        assert (revision.folder / "run").stat().st_mode & 0o111


def test_whole_repository_target_is_written(git, target, tmp_path):
    """Most monorepos have their target.yaml in the top directory."""
    (target.parent / "target.yaml").write_text("name: top\n")
    git("add", ".")
    git("commit", "-qm", "top")

    with checked_out(target.parent, "HEAD", tmp_path) as revision:
        assert (revision.folder / "target.yaml").read_text() == "name: top\n"
        assert (revision.folder / "deploy" / "charts" / "Chart.yaml").exists()


def test_unrelated_changes_are_ignored(target, tmp_path):
    """Changes outside of the target's directory do not matter."""
    (target.parent / "README.md").write_text("changed\n")

    with checked_out(target, "HEAD", tmp_path) as revision:
        assert revision.folder.is_dir()


@pytest.mark.parametrize("name", ["0" * 40, "no-such-branch", "--help", "HEAD:deploy", ""])
def test_unknown_revision_is_clear_error(target, name, tmp_path):
    """A tree is no revision, and an option is no name."""
    with pytest.raises(UsageError, match="is no commit of"), checked_out(target, name, tmp_path):
        pass


def test_suggested_fetch_quotes_names(git, target, tmp_path):
    """A pipeline may get the name from an untrusted source."""
    told = pytest.raises(UsageError, match=r"`git fetch origin 'x; reboot'`")

    with told, checked_out(target, "x; reboot", tmp_path):
        pytest.fail("there is no such commit")


@pytest.mark.parametrize("change", ["edited", "new file", "deleted", "staged"])
def test_a_dirty_target_is_one_clear_error(git, target, change, tmp_path):
    """The user could believe that the uncommitted change is judged."""
    if change == "new file":
        (target / "new.yaml").write_text("new\n")
    elif change == "deleted":
        (target / "target.yaml").unlink()
    else:
        (target / "target.yaml").write_text("name: changed\n")
    if change == "staged":
        git("add", ".")

    with pytest.raises(UsageError, match="changes that are in no commit: "):
        checked_out(target, "HEAD", tmp_path).__enter__()


def test_target_outside_repository_is_clear_error(tmp_path, monkeypatch):
    """A directory outside of a repository has no revision."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    alone = tmp_path / "alone"
    alone.mkdir()

    with pytest.raises(UsageError, match="alone is in no git repository"):
        checked_out(alone, "HEAD", tmp_path).__enter__()


def test_folder_missing_in_revision_is_clear_error(git, target, tmp_path):
    """The directory was created after the requested commit."""
    later = target.parent / "later"
    later.mkdir()
    (later / "target.yaml").write_text("name: later\n")
    git("add", ".")
    git("commit", "-qm", "later")

    with pytest.raises(UsageError, match="has no folder later"):
        checked_out(later, "HEAD~1", tmp_path).__enter__()


def test_target_yaml_error_names_user_folder(target, tmp_path):
    """The temporary copy of the file is deleted before a user reads the error."""
    with checked_out(target, "HEAD", tmp_path) as revision:
        with pytest.raises(UsageError) as error:
            target_in(revision.folder, target)
        assert str(error.value).startswith(f"{target}/target.yaml:1: the target lacks")


def test_no_folder_is_one_clear_error(tmp_path):
    """TARGET may be misspelt."""
    with pytest.raises(UsageError, match="nowhere is no folder"):
        checked_out(tmp_path / "nowhere", "HEAD", tmp_path).__enter__()
