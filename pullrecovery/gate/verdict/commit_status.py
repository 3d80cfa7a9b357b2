"""Convert a verdict into a commit status for GitHub or for GitOps Promoter.

Source: docs.github.com/en/rest/commits/statuses, and gitops-promoter's CommitStatus (v1alpha1). The
hook trusts neither: both are for people, and for tools that read them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from urllib.parse import quote

import httpx
from ruamel.yaml import YAML

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.redaction import redact
from pullrecovery.gate.verdict.document import Decision, GateVerdict

# A branch rule requires this with the target's name.
CONTEXT = "pull-recovery/gate"
# A PromotionStrategy requires this key with the target's name.
PROMOTER_KEY = "pull-recovery-gate"
ADDRESS = "https://api.github.com"
_LONGEST = 140
_STATES = {Decision.PROMOTE: "success", Decision.HOLD: "failure", Decision.INCONCLUSIVE: "error"}
_TIMEOUT = 30.0


class StatusError(PullRecoveryError):
    """GitHub rejected a status."""


@dataclass(frozen=True)
class Said:
    """A verdict as one of GitHub's states (`success`, `failure`, `error`) and one short sentence.

    `target` is the target's name: each target of a repository has its own status.
    """

    sha: str
    target: str
    state: str
    description: str


def said(verdict: GateVerdict, now: datetime, refusals: Sequence[str] = ()) -> Said:
    """Return the status of a verdict at `now`; an expired verdict is an error.

    `refusals` are why a verifier rejects it: with any, `promote` is not a success.
    """
    if verdict.expires <= now:
        late = f"expired at {verdict.expires:%Y-%m-%d %H:%M %Z}; run the gate again"
        return Said(verdict.revision, verdict.target, "error", late)
    state = _STATES[verdict.decision]
    if verdict.decision is Decision.PROMOTE and refusals:
        first, *more = refusals
        return Said(verdict.revision, verdict.target, "error", _cut(f"not verified: {first}", more))
    if verdict.decision is Decision.PROMOTE:
        told = (
            f"promote: {len(verdict.checks.run)} checks, until {verdict.expires:%Y-%m-%d %H:%M %Z}"
        )
        return Said(verdict.revision, verdict.target, state, told)
    first, *more = verdict.reasons or ("no reason",)
    word = "hold" if verdict.decision is Decision.HOLD else "cannot tell"
    return Said(verdict.revision, verdict.target, state, _cut(f"{word}: {first}", more))


def post_status(
    told: Said, repository: str, token: str, *, url: str = "", http: httpx.Client | None = None
) -> str:
    """Set the status on the commit of `repository` (owner/name); return the status's URL.

    `url` is the status's link to details. `http` is a client of another GitHub address. Raises
    StatusError with GitHub's message, or with the reason if there is no answer.
    """
    context = f"{CONTEXT}/{told.target}"
    body = {"state": told.state, "description": told.description, "context": context}
    owner, _, name = repository.partition("/")
    path = f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}/statuses/{told.sha}"
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    client = http or httpx.Client(base_url=ADDRESS, timeout=_TIMEOUT)
    try:
        answer = client.post(
            path, json=body | ({"target_url": url} if url else {}), headers=headers
        )
    except httpx.HTTPError as error:
        raise StatusError(f"GitHub gives no answer to POST {path}: {redact(str(error))}") from error
    if answer.status_code != httpx.codes.CREATED:
        raise StatusError(f"POST {path}: {answer.status_code} {_words(answer)}")
    return str(answer.json().get("url", path))


def promoter_manifest(told: Said, git_repository: str, namespace: str, *, url: str = "") -> str:
    """Return a CommitStatus for GitOps Promoter as YAML.

    `git_repository` is its GitRepository's name. A CommitStatus has no `error`: an inconclusive
    verdict is a failure, as both wait for a person.
    """
    key = f"{PROMOTER_KEY}-{told.target}"
    manifest = {
        "apiVersion": "promoter.argoproj.io/v1alpha1",
        "kind": "CommitStatus",
        "metadata": {
            "name": f"{key}-{told.sha[:12]}".lower().replace("_", "-"),
            "namespace": namespace,
            "labels": {"promoter.argoproj.io/commit-status": key},
        },
        "spec": {
            "gitRepositoryRef": {"name": git_repository},
            "sha": told.sha,
            "name": f"{CONTEXT}/{told.target}",
            "description": told.description,
            "phase": "success" if told.state == "success" else "failure",
            **({"url": url} if url else {}),
        },
    }
    text = StringIO()
    YAML(typ="safe", pure=True).dump(manifest, text)
    return text.getvalue()


def _cut(text: str, more: list[str]) -> str:
    """Return one sentence of at most 140 characters, with the number of further reasons."""
    rest = f" (and {len(more)} more)" if more else ""
    room = _LONGEST - len(rest)
    return (text if len(text) <= room else f"{text[: room - 1]}…") + rest


def _words(answer: httpx.Response) -> str:
    """Return GitHub's message and its messages for single fields."""
    try:
        body = answer.json()
        fields = [str(each["message"]) for each in body.get("errors", ())]
        return redact(": ".join([str(body["message"]), *fields]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return redact(answer.text[:200])
