"""The routes of the control port for workflows and for workflow_dispatch events."""

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ghcr_emulator.control_api.schemas import Dispatches, WorkflowBody
from ghcr_emulator.documents.json_body import read_json
from ghcr_emulator.documents.problems import DocumentError
from ghcr_emulator.protocol import names
from ghcr_emulator.state.workflows import RepositoryWorkflow, WorkflowStore


def workflow_routes(workflows: WorkflowStore) -> list[Route]:
    """Return the routes for workflows; their errors are DocumentErrors."""
    endpoints = _Workflows(workflows)
    path = "/workflows/{owner}/{repository}/{file}"
    return [
        Route(path, endpoints.put_workflow, methods=["PUT"]),
        Route("/dispatches", endpoints.read_dispatches, methods=["GET"]),
    ]


class _Workflows:
    def __init__(self, workflows: WorkflowStore) -> None:
        self._workflows = workflows

    async def put_workflow(self, request: Request) -> Response:
        """Add a workflow to a repository, or replace the one of that file."""
        owner, name, file = (request.path_params[key] for key in ("owner", "repository", "file"))
        if not names.is_repository(f"{owner}/{name}") or not names.is_label(file):
            raise DocumentError("the path must be a lower-case owner/repository, and a file's name")
        body = read_json(await request.body(), WorkflowBody)
        writers = frozenset(login.lower() for login in body.writers)
        refs = frozenset(body.refs)
        self._workflows.put(
            RepositoryWorkflow(f"{owner}/{name}", file, refs, body.dispatch, writers)
        )
        return Response(status_code=204)

    async def read_dispatches(self, request: Request) -> Response:
        """Return the events that came with the credential `credential`, oldest first."""
        taken = self._workflows.dispatches(request.query_params.get("credential", ""))
        return JSONResponse(asdict(Dispatches(taken)))
