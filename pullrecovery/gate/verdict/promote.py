"""The `gate promote` command moves the branch that Applications follow to a promoted commit.

A commit is on main before its verdict exists, and Argo CD syncs a commit automatically only once:
it does not retry a held sync. So Applications follow a branch that only this command moves (ADR
0024).
"""

from dataclasses import dataclass
from pathlib import Path

import httpx

from pullrecovery.common.errors import Exit, HeldError, UsageError
from pullrecovery.common.process import CommandError, run
from pullrecovery.common.secret_variables import TOKEN, secret
from pullrecovery.common.variables import VariableSet
from pullrecovery.gate.commit import commit_of, root_of
from pullrecovery.gate.verdict.document import Decision, GateVerdict, VerdictError
from pullrecovery.gate.verdict.keys import verifying_key
from pullrecovery.gate.verdict.registry_store import fetch_verdict, verdict_tag
from pullrecovery.gate.verdict.signing import read
from pullrecovery.gate.verdict.verify import Claim, read_signed, run_verify
from pullrecovery.model.image_reference import parse_reference
from pullrecovery.model.probe import Credential
from pullrecovery.registry.client import RegistryClient

# Git must not ask for a password.
_GIT = {"GIT_TERMINAL_PROMPT": "0"}
_LOGIN = "pull-recovery"
_WITHIN = 30.0


@dataclass(frozen=True)
class Promotion:
    """The verdict that lets a commit through, and the remote's branch that is to move to it.

    `claim` names the target's directory in a clone that has the commit.
    """

    claim: Claim
    branch: str
    remote: str


def run_promote(promotion: Promotion, http: httpx.Client | None = None) -> int:
    """Verify, then push the commit to the branch; return 0, or 1 or 2 without a push.

    The push is never forced. Raises HeldError if the verdict is not published beside the images, or
    if the branch has commits that this commit does not contain.
    """
    claim, http = promotion.claim, http or httpx.Client(timeout=_WITHIN)
    if claim.folder is None:
        raise UsageError("gate promote needs --target: the target's folder in a clone.")
    branch = _Branch(root_of(claim.folder), promotion.remote, promotion.branch)
    signed, sha = read_signed(claim.verdict).strip(), commit_of(claim.folder, claim.revision)
    code = run_verify(claim, http)
    if code != Exit.PASS:
        return int(Exit.UNKNOWN if _is_open(claim, signed) else code)
    _check_published(read(signed, verifying_key(claim.key)), signed, http)
    print(branch.move(sha))
    return int(Exit.PASS)


def _is_open(claim: Claim, signed: str) -> bool:
    """Return whether the verdict's own decision is inconclusive."""
    try:
        return read(signed, verifying_key(claim.key)).decision is Decision.INCONCLUSIVE
    except VerdictError:
        return False


def _check_published(verdict: GateVerdict, signed: str, http: httpx.Client) -> None:
    """Raise HeldError unless the verdict is published, because the hook fetches it only once."""
    token = secret(TOKEN)
    credential = Credential(_LOGIN, token) if token else None
    tag = verdict_tag(verdict.target, verdict.revision)
    for reference in dict.fromkeys(judged.reference for judged in verdict.workloads):
        image = parse_reference(reference)
        registry = RegistryClient(image.registry, http)
        problem = f"this verdict is not beside {reference}; publish it first (`gate keep`)"
        try:
            kept = fetch_verdict(registry, image.path, tag, credential)
        except HeldError as error:
            raise HeldError(problem) from error
        if kept.strip() != signed:
            raise HeldError(problem)


@dataclass(frozen=True)
class _Branch:
    """A branch of a remote of the clone at `root`."""

    root: Path
    remote: str
    name: str

    def __post_init__(self) -> None:
        try:
            self._git("check-ref-format", self._ref)
        except CommandError as error:
            raise UsageError(f"--branch {self.name!r} is no name for a branch.") from error

    def move(self, sha: str) -> str:
        """Move the branch to the commit, unless it already contains it; return what was done."""
        before = self._end()
        if before and self._contains(before, sha):
            return f"{self.name} of {self.remote} is at {before}, which has {sha}: nothing to move"
        try:
            self._git("push", "--", self.remote, f"{sha}:{self._ref}")
        except CommandError as error:
            if "[rejected]" not in error.output:
                raise
            raise HeldError(self._diverged(sha)) from error
        return f"{self.name} of {self.remote} is at {sha}, and was {before or 'not there'}"

    def _diverged(self, sha: str) -> str:
        end = self._end()
        return (
            f"{self.name} of {self.remote} is at {end}, which {sha} does not have among its"
            f" ancestors, and nothing is forced. Merge it (`git fetch {self.remote} {self.name}`"
            f" and `git merge {end}`), run the gate on the merge, and promote that."
        )

    def _end(self) -> str:
        """Return the commit of the remote's branch, or '' if there is no such branch."""
        return self._git("ls-remote", "--", self.remote, self._ref).partition("\t")[0].strip()

    def _contains(self, end: str, sha: str) -> bool:
        """Return whether the commit is an ancestor of `end`, as far as this clone knows."""
        try:
            self._git("merge-base", "--is-ancestor", sha, end)
        except CommandError:
            return False
        return True

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self.name}"

    def _git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.root), *arguments]
        return run(command, env=_GIT, inherit=[VariableSet.GIT_REMOTE])
