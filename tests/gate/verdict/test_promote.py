"""The command `gate promote`: the branch and the commit that it moves to, with a real git."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from pullrecovery.common.errors import HeldError, UsageError
from pullrecovery.common.process import CommandError
from pullrecovery.gate.releases import JudgedRelease
from pullrecovery.gate.verdict import promote as promoting
from pullrecovery.gate.verdict.document import Checks, Failure, check
from pullrecovery.gate.verdict.promote import Promotion, run_promote
from pullrecovery.gate.verdict.signing import sign
from pullrecovery.gate.verdict.verify import Claim
from pullrecovery.monorepo.target_yaml import load_target
from pullrecovery.tasks import applicable
from tests.fakes.verdicts import IMAGE, KEY, pem, verdict


def _git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode().strip()


def _commit(folder):
    """Make another commit of the sample; returns its id."""
    with (folder / "README.md").open("a") as file:
        file.write("more\n")
    _git(folder, "commit", "-qam", "more")
    return _git(folder, "rev-parse", "HEAD")


def _kept(verdict):
    """Return the published verdict, or raise it where it is an exception."""
    if isinstance(verdict, Exception):
        raise verdict
    return verdict


@pytest.fixture
def remote(sample, tmp_path):
    """Return a function for the commit of a branch in an empty repository, the clone's `origin`."""
    _git(tmp_path, "init", "-q", "--bare", "remote.git")
    _git(sample[0], "remote", "add", "origin", str(tmp_path / "remote.git"))
    return lambda name="promoted": _git(sample[0], "ls-remote", "origin", name)[:40]


@pytest.fixture
def promote(sample, remote, tmp_path, monkeypatch, capsys):
    """Sign a verdict on a commit, publish it, and promote; returns exit code and output."""
    monkeypatch.delenv("GHCR_TOKEN", raising=False)
    folder = sample[0]

    def run(asked, *, published="", branch="promoted", remote="origin", **changes):
        target = load_target(folder)
        names = tuple(check(w.name, reg) for w in target.workloads for reg in applicable(target))
        now = datetime.now(UTC)
        fields = {
            "revision": asked,
            "issued": now,
            "expires": now + timedelta(hours=1),
            "workloads": tuple(JudgedRelease.of(w, IMAGE) for w in target.workloads),
            "checks": Checks(declared=names, run=names),
        }
        signed = sign(verdict(**(fields | changes)), KEY)
        (tmp_path / "verdict.jws").write_text(signed)
        (tmp_path / "gate.pub").write_text(pem(KEY, private=False))
        monkeypatch.setattr(promoting, "fetch_verdict", lambda *_: _kept(published or signed))
        images = tuple(f"{w.name}={IMAGE}" for w in target.workloads)
        files = (tmp_path / "verdict.jws", tmp_path / "gate.pub")
        claim = Claim(*files, asked, folder, images, worlds=("lab",))
        code = run_promote(Promotion(claim, branch, remote), httpx.Client())
        return code, capsys.readouterr().out

    return run


def test_first_promotion_makes_the_branch(promote, remote, sample):
    """A remote without the branch gets it, at the judged commit."""
    code, said = promote(sample[1])

    assert (code, remote()) == (0, sample[1])
    assert f"promoted of origin is at {sample[1]}, and was not there" in said


def test_next_promotion_moves_it_forward(promote, remote, sample):
    """The branch moves to a commit that has its end among its ancestors."""
    promote(sample[1])
    later = _commit(sample[0])

    code, said = promote("HEAD", revision=later)

    assert (code, remote()) == (0, later)
    assert f"and was {sample[1]}" in said


@pytest.mark.parametrize(
    ("failed", "doubts", "code"),
    [
        ((Failure("frontend REG-005", "render.wrong-tag"),), (), 1),
        ((), ("lab: late",), 2),
    ],
    ids=["hold", "cannot tell"],
)
def test_other_decision_moves_nothing(promote, remote, sample, failed, doubts, code):
    """A verdict that does not promote ends with the gate's exit code, and prints the reasons."""
    names = ("frontend REG-005",)
    checks = Checks(declared=names, run=names, failed=failed)

    ended, said = promote(sample[1], checks=checks, doubts=doubts)

    assert (ended, remote()) == (code, "")
    assert "because  " in said
    assert "lab: late" in said or "render.wrong-tag" in said


def test_other_commit_moves_nothing(promote, remote, sample):
    """A verdict on the parent commit does not promote the child."""
    later = _commit(sample[0])

    assert promote(later, revision=sample[1])[0] == 1
    assert remote() == ""


def test_unpublished_verdict_moves_nothing(promote, remote, sample):
    """The registry has no verdict on the commit, or an earlier one, which the hook would find."""
    for published in ("an earlier one", HeldError("there is no verdict on this revision")):
        with pytest.raises(
            HeldError, match=r"not beside ghcr.io/.*publish it first \(`gate keep`\)"
        ):
            promote(sample[1], published=published)

    assert remote() == ""


def test_branch_that_went_another_way_is_left(promote, remote, sample):
    """A push that is no fast-forward names both commits and the necessary merge."""
    promote(sample[1])
    there = _commit(sample[0])
    _git(sample[0], "push", "-q", "origin", "HEAD:promoted")
    _git(sample[0], "reset", "-q", "--hard", sample[1])
    (sample[0] / "README.md").write_text("another way\n")
    _git(sample[0], "commit", "-qam", "another way")
    here = _git(sample[0], "rev-parse", "HEAD")

    with pytest.raises(HeldError, match=rf"is at {there}, which {here} does not have") as error:
        promote(here)

    assert remote() == there
    assert f"git merge {there}" in str(error.value)


def test_contained_commit_moves_nothing(promote, remote, sample):
    """A child commit was promoted before its parent, whose promotion moves nothing."""
    later = _commit(sample[0])
    promote(later)
    _git(sample[0], "checkout", "-q", "--detach", sample[1])

    code, said = promote(sample[1])

    assert (code, remote()) == (0, later)
    assert "nothing to move" in said


@pytest.mark.parametrize("branch", ["a:b", "a..b", ""])
def test_name_that_is_no_branch_is_refused(promote, sample, branch):
    """A colon in the name would make it a refspec."""
    with pytest.raises(UsageError, match="is no name for a branch"):
        promote(sample[1], branch=branch)


def test_remote_without_answer_is_an_error(promote, sample, tmp_path):
    """A missing remote, and one that looks like an option, are not pushed to."""
    for name in (str(tmp_path / "none.git"), "--upload-pack=touch x"):
        with pytest.raises(CommandError, match=r"strange pathname|not appear to be a git"):
            promote(sample[1], remote=name)


def test_promotion_without_a_folder_is_refused():
    """Without the target's folder there is no clone to push from."""
    claim = Claim(*[None] * 4, ())

    with pytest.raises(UsageError, match="needs --target"):
        run_promote(Promotion(replace(claim, revision="HEAD"), "promoted", "origin"))
