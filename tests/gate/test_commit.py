"""The commit is judged, whatever the checkout looks like."""

import subprocess

import pytest

from pullrecovery.common.errors import UsageError
from pullrecovery.gate.commit import checked_out, commit_of, target_in

_ME = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_CONFIG_GLOBAL": "/dev/null"}
_ENV = _ME | {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c"}


@pytest.fixture
def git(tmp_path, monkeypatch):
    """Run git in a new repository, with nobody's settings."""
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
    """A target in a folder of the repository, in one commit."""
    folder = tmp_path / "repository" / "deploy"
    (folder / "charts").mkdir(parents=True)
    (folder / "target.yaml").write_text("name: first\n")
    (folder / "charts" / "Chart.yaml").write_text("name: chart\n")
    (tmp_path / "repository" / "README.md").write_text("elsewhere\n")
    git("add", ".")
    git("commit", "-qm", "first")
    return folder


def test_earlier_commit_is_exported(git, target, tmp_path):
    """A name is made the full id, which the verdict is bound to."""
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
    """Neither its index nor its list of work trees has changed."""
    with checked_out(target, "HEAD", tmp_path):
        assert git("worktree", "list").count("\n") == 0
    assert git("status", "--porcelain") == ""


def test_what_is_not_for_export_is_judged_too(git, target, tmp_path):
    """Argo CD checks out, and so gets what `git archive` would leave out."""
    (target / ".gitattributes").write_text("charts export-ignore\n")
    git("add", ".")
    git("commit", "-qm", "attributes")

    with checked_out(target, "HEAD", tmp_path) as revision:
        assert (revision.folder / "charts" / "Chart.yaml").exists()


def test_outer_attributes_change_nothing(git, target, tmp_path):
    """Line ends and idents are the checkout's matter, and not the commit's."""
    (tmp_path / "repository" / ".gitattributes").write_text("*.yaml text eol=crlf ident\n")
    (target / "target.yaml").write_text("name: $Id$\n")
    git("add", ".")
    git("commit", "-qm", "attributes")

    with checked_out(target, "HEAD", tmp_path) as revision:
        assert (revision.folder / "target.yaml").read_bytes() == b"name: $Id$\n"


def test_replaced_commit_is_judged_as_cloned(git, target, tmp_path):
    """A replace ref is this clone's own, and Argo CD's clone has none."""
    first = git("rev-parse", "HEAD")
    (target / "target.yaml").write_text("name: harmless\n")
    git("commit", "-qam", "second")
    git("replace", first, git("rev-parse", "HEAD"))

    with checked_out(target, first, tmp_path) as revision:
        assert (revision.folder / "target.yaml").read_text() == "name: first\n"


def test_submodule_below_the_target_is_refused(git, target, tmp_path):
    """What is in it is in no tree of this commit, and Argo CD fetches it."""
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
    """Its config names a program, and its alternates have the commit: git would run it."""
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
    """A chart would render what it leads to on the judging machine."""
    (target / "loop").symlink_to(leads)
    git("add", ".")
    git("commit", "-qm", "link")

    with (
        pytest.raises(UsageError, match=r"deploy/loop of .* is a symbolic link to"),
        checked_out(target, "HEAD", tmp_path),
    ):
        pass


def test_inner_symlink_is_kept(git, target, tmp_path):
    """Charts share files so; programs stay programs."""
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
    """Most monorepos have their target.yaml at the top."""
    (target.parent / "target.yaml").write_text("name: top\n")
    git("add", ".")
    git("commit", "-qm", "top")

    with checked_out(target.parent, "HEAD", tmp_path) as revision:
        assert (revision.folder / "target.yaml").read_text() == "name: top\n"
        assert (revision.folder / "deploy" / "charts" / "Chart.yaml").exists()


def test_unrelated_changes_are_ignored(target, tmp_path):
    """A gate on a folder of a monorepo has nothing to say of the others."""
    (target.parent / "README.md").write_text("changed\n")

    with checked_out(target, "HEAD", tmp_path) as revision:
        assert revision.folder.is_dir()


@pytest.mark.parametrize("name", ["0" * 40, "no-such-branch", "--help", "HEAD:deploy", ""])
def test_unknown_revision_is_clear_error(target, name, tmp_path):
    """A tree is none, and an option is no name."""
    with pytest.raises(UsageError, match="is no commit of"), checked_out(target, name, tmp_path):
        pass


def test_suggested_fetch_quotes_names(git, target, tmp_path):
    """A pipeline takes the name from others."""
    told = pytest.raises(UsageError, match=r"`git fetch origin 'x; reboot'`")

    with told, checked_out(target, "x; reboot", tmp_path):
        pytest.fail("there is no such commit")


@pytest.mark.parametrize("change", ["edited", "new file", "deleted", "staged"])
def test_a_dirty_target_is_one_clear_error(git, target, change, tmp_path):
    """Whoever changed it and asks believes that the change is judged."""
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
    """What has no commits has no revision."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    alone = tmp_path / "alone"
    alone.mkdir()

    with pytest.raises(UsageError, match="alone is in no git repository"):
        checked_out(alone, "HEAD", tmp_path).__enter__()


def test_folder_missing_in_revision_is_clear_error(git, target, tmp_path):
    """It was made later than the commit that is asked for."""
    later = target.parent / "later"
    later.mkdir()
    (later / "target.yaml").write_text("name: later\n")
    git("add", ".")
    git("commit", "-qm", "later")

    with pytest.raises(UsageError, match="has no folder later"):
        checked_out(later, "HEAD~1", tmp_path).__enter__()


def test_target_yaml_error_names_user_folder(target, tmp_path):
    """The copy that it was read in is gone by the time anybody looks."""
    with checked_out(target, "HEAD", tmp_path) as revision:
        with pytest.raises(UsageError) as error:
            target_in(revision.folder, target)
        assert str(error.value).startswith(f"{target}/target.yaml:1: the target lacks")


def test_no_folder_is_one_clear_error(tmp_path):
    """A slip in TARGET."""
    with pytest.raises(UsageError, match="nowhere is no folder"):
        checked_out(tmp_path / "nowhere", "HEAD", tmp_path).__enter__()
