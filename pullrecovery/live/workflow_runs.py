"""The runs of a workflow on GitHub itself: looked up, and started where that is asked for.

Not proven live: no request of ours was ever made to GitHub's API for workflows.
Source: docs.github.com/en/rest/actions/workflow-runs, docs.github.com/en/rest/actions/workflows.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from githubkit import GitHub, TokenAuthStrategy
from githubkit.exception import GitHubException, RequestFailed

from pullrecovery.errors import PullRecoveryError
from pullrecovery.model import Workflow
from pullrecovery.redaction import protect, redact

_AGENT = "pull-recovery"
_TIMEOUT = 30.0


class WorkflowRunsError(PullRecoveryError):
    """GitHub refused, or did not answer; `status` is the HTTP status, 0 without an answer."""

    def __init__(self, what: str, status: int, message: str) -> None:
        super().__init__(f"GitHub's workflow API, {what}: {status or 'no answer'} {message}")
        self.status = status


@dataclass(frozen=True)
class LiveRun:
    """One run; `conclusion` is GitHub's word for its end, empty while it goes on."""

    number: int
    commit: str
    event: str
    conclusion: str
    address: str

    @property
    def succeeded(self) -> bool:
        return self.conclusion == "success"


class LiveWorkflow:
    """A target's workflow on GitHub, as the holder of `token` sees it.

    Looking up needs a token that reads the repository, starting one with its scope `workflow`
    (classic) or `actions: write` (fine-grained). `transport` is for tests.
    """

    def __init__(
        self, workflow: Workflow, token: str, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._workflow = workflow
        self._github = GitHub(
            TokenAuthStrategy(protect(token)),
            transport=transport,
            user_agent=_AGENT,
            timeout=_TIMEOUT,
            http_cache=False,
            auto_retry=False,
        )

    def last_run(self) -> LiveRun | None:
        """The newest run on the branch; None where there was none. Raises WorkflowRunsError."""
        query: dict[str, str | int] = {"branch": self._workflow.branch, "per_page": 1}
        answer = self._send("GET", "runs", query=query)
        rows = answer.json()["workflow_runs"]
        return _run(rows[0]) if rows else None

    def dispatch(self, *, apply: bool = False) -> str:
        """Start it by hand on the branch, with `apply` only; returns what is, or would be, done.

        GitHub does not say which run it made: `last_run` shows it some seconds later.
        Raises WorkflowRunsError.
        """
        workflow = self._workflow
        what = f"{workflow.path} of {workflow.repository} on {workflow.branch}"
        if not apply:
            return f"would start {what}; nothing is done without --apply"
        self._send("POST", "dispatches", body={"ref": workflow.branch})
        return f"started {what}"

    def _send(
        self,
        method: str,
        last: str,
        *,
        query: dict[str, str | int] | None = None,
        body: dict[str, str] | None = None,
    ) -> Any:
        repository = quote(self._workflow.repository)
        name = quote(self._workflow.path.rpartition("/")[2], safe="")
        path = f"/repos/{repository}/actions/workflows/{name}/{last}"
        what = f"{method} {path}"
        try:
            return self._github.request(method, path, params=query, json=body)
        except RequestFailed as error:
            answer = error.response.raw_response
            raise WorkflowRunsError(what, answer.status_code, redact(answer.text[:200])) from None
        except GitHubException as error:
            raise WorkflowRunsError(what, 0, redact(repr(error))) from error


def _run(row: dict[str, Any]) -> LiveRun:
    return LiveRun(
        number=int(row["run_number"]),
        commit=str(row["head_sha"]),
        event=str(row["event"]),
        conclusion=str(row["conclusion"] or ""),
        address=str(row["html_url"]),
    )
