"""The workflow on GitHub itself: what is asked of its API, and that nothing is started unasked.

The answers have the form that GitHub's reference gives them; none was recorded from GitHub.
"""

import json

import httpx
import pytest

from pullrecovery.live.workflow_runs import LiveRun, LiveWorkflow, WorkflowRunsError
from tests.recorded import COMMIT, GOOD

PLACE = "/repos/ByteQuester/hosting-monorepo/actions/workflows/ci.yml"
ROW = {
    "run_number": 7,
    "head_sha": COMMIT,
    "event": "push",
    "conclusion": "success",
    "html_url": "https://github.com/ByteQuester/hosting-monorepo/actions/runs/1",
}


def _workflow(*answers):
    """A workflow on a GitHub that gives these answers in turn, and keeps what it was asked."""
    asked, left = [], list(answers)

    def answer(request):
        asked.append(request)
        return left.pop(0)

    transport = httpx.MockTransport(answer)
    return LiveWorkflow(GOOD.target.workflow, "ghp_live0live0", transport=transport), asked


def test_last_run_on_the_branch_is_looked_up():
    """One run is asked for, the newest."""
    workflow, asked = _workflow(httpx.Response(200, json={"workflow_runs": [ROW]}))

    run = workflow.last_run()

    assert run == LiveRun(7, COMMIT, "push", "success", ROW["html_url"])
    assert run.succeeded
    assert (asked[0].method, asked[0].url.path) == ("GET", f"{PLACE}/runs")
    assert dict(asked[0].url.params) == {"branch": "main", "per_page": "1"}


@pytest.mark.parametrize("conclusion", [None, "failure", "cancelled"])
def test_run_that_goes_on_or_failed_has_not_succeeded(conclusion):
    """Only success is success."""
    answer = httpx.Response(200, json={"workflow_runs": [{**ROW, "conclusion": conclusion}]})

    assert not _workflow(answer)[0].last_run().succeeded


def test_branch_without_a_run_has_none():
    """It was never pushed, or the workflow is new."""
    assert _workflow(httpx.Response(200, json={"workflow_runs": []}))[0].last_run() is None


def test_nothing_is_started_unless_that_is_asked_for():
    """Not even a request is made."""
    workflow, asked = _workflow()

    assert workflow.dispatch().startswith("would start .github/workflows/ci.yml")
    assert asked == []


def test_workflow_is_started_on_its_branch():
    """GitHub answers with no content."""
    workflow, asked = _workflow(httpx.Response(204))

    assert workflow.dispatch(apply=True).startswith("started")
    assert (asked[0].method, asked[0].url.path) == ("POST", f"{PLACE}/dispatches")
    assert json.loads(asked[0].content) == {"ref": "main"}


def test_refusal_is_told_with_its_status_and_no_token():
    """A workflow without `workflow_dispatch`, as the reference has it."""
    refusal = {"message": "Workflow does not have 'workflow_dispatch' trigger ghp_live0live0"}
    workflow, _ = _workflow(httpx.Response(422, json=refusal))

    with pytest.raises(WorkflowRunsError, match=r"422 .*does not have") as caught:
        workflow.dispatch(apply=True)

    assert caught.value.status == 422
    assert "ghp_live0live0" not in str(caught.value)


def test_github_that_does_not_answer_is_an_error_of_its_own():
    """Nothing is known of the run then."""

    def fail(request):
        raise httpx.ConnectError("refused", request=request)

    workflow = LiveWorkflow(
        GOOD.target.workflow, "ghp_live1live1", transport=httpx.MockTransport(fail)
    )

    with pytest.raises(WorkflowRunsError, match="no answer") as caught:
        workflow.last_run()
    assert caught.value.status == 0
