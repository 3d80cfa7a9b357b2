"""Workflows in GitHub's API, and the workflow_dispatch events that it accepts for them.

Source: docs.github.com/en/rest/actions/workflows, and README.md, Sources: workflows.
"""

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from ghcr_emulator.github_api import permissions as apirules
from ghcr_emulator.github_api import responses as apireplies
from ghcr_emulator.github_api.responses import Refusal
from ghcr_emulator.github_api.routes import ApiRequest, Call
from ghcr_emulator.protocol import hosts
from ghcr_emulator.state.accounts import AccountToken
from ghcr_emulator.state.workflows import Dispatch, RepositoryWorkflow, WorkflowStore

_DOCS: Final = "/actions/workflows#create-a-workflow-dispatch-event"
_NO_JSON: Final = Refusal(400, "Problems parsing JSON", _DOCS)
_NO_REF: Final = Refusal(422, 'Invalid request.\n\n"ref" wasn\'t supplied.', _DOCS)
_NO_TRIGGER: Final = Refusal(422, "Workflow does not have 'workflow_dispatch' trigger", _DOCS)
_HEADS: Final = "refs/heads/"
_TAGS: Final = "refs/tags/"
# No client of the emulator reads the time when a workflow file was created.
_MADE: Final = "2020-01-01T00:00:00Z"


async def answer(
    workflows: WorkflowStore, request: Request, credential: AccountToken, asked: ApiRequest
) -> Response:
    """Answer a call that passed the checks of the token; who may not read the workflow gets 404."""
    found = workflows.find(f"{asked.owner}/{asked.source}", asked.workflow)
    if found is None or credential.login.lower() not in found.writers:
        return apirules.NO_WORKFLOW.response()
    if asked.call is Call.WORKFLOW:
        return apireplies.document(_shown(found))
    try:
        given = json.loads(await request.body())
    except ValueError:
        return _NO_JSON.response()
    refusal = _refusal(found, given)
    if refusal is not None:
        return refusal.response()
    inputs = {str(key): str(value) for key, value in (given.get("inputs") or {}).items()}
    event = workflows.take(found, given["ref"], inputs, credential.name)
    return _taken(event) if given.get("return_run_details") else Response(status_code=204)


def _refusal(found: RepositoryWorkflow, given: Any) -> Refusal | None:
    """Return why an event is not accepted; None if it is."""
    ref = given.get("ref") if isinstance(given, dict) else None
    if not ref or not isinstance(ref, str):
        return _NO_REF
    if ref.removeprefix(_HEADS).removeprefix(_TAGS) not in found.refs:
        return Refusal(422, f"No ref found for: {ref}", _DOCS)
    return None if found.dispatch else _NO_TRIGGER


def _taken(event: Dispatch) -> Response:
    """Return the details of the run, for a caller that asks for them."""
    page = f"{event.repository}/actions/runs/{event.run}"
    return apireplies.document(
        {
            "workflow_run_id": event.run,
            "run_url": f"https://{hosts.API}/repos/{page}",
            "html_url": f"https://github.com/{page}",
        }
    )


def _shown(found: RepositoryWorkflow) -> dict[str, object]:
    """Return a workflow as GitHub shows it."""
    path, page = f".github/workflows/{found.file}", f"https://github.com/{found.repository}"
    return {
        "id": found.id,
        "node_id": f"W_{found.id}",
        "name": path,
        "path": path,
        "state": "active",
        "created_at": _MADE,
        "updated_at": _MADE,
        "url": f"https://{hosts.API}/repos/{found.repository}/actions/workflows/{found.id}",
        "html_url": f"{page}/blob/HEAD/{path}",
        "badge_url": f"{page}/workflows/{found.file}/badge.svg",
    }
