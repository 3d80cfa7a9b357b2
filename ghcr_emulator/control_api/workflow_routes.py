"""The control port's routes for workflows, and for the events that were taken for them."""

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ghcr_emulator.protocol import names
from ghcr_emulator.state.json_schema import Document, DocumentError
from ghcr_emulator.state.workflows import Workflow, Workflows


def workflow_routes(workflows: Workflows) -> list[Route]:
    """Return the routes; their errors are DocumentErrors."""
    endpoints = _Workflows(workflows)
    path = "/workflows/{owner}/{repository}/{file}"
    return [
        Route(path, endpoints.put_workflow, methods=["PUT"]),
        Route("/dispatches", endpoints.read_dispatches, methods=["GET"]),
    ]


class _Workflows:
    def __init__(self, workflows: Workflows) -> None:
        self._workflows = workflows

    async def put_workflow(self, request: Request) -> Response:
        """Add a workflow of a repository, or replace the one of that file."""
        owner, name, file = (request.path_params[key] for key in ("owner", "repository", "file"))
        if not names.is_repository(f"{owner}/{name}") or not names.is_label(file):
            raise DocumentError("the path must be a lower-case owner/repository, and a file's name")
        document = Document(await request.body(), ("refs", "dispatch", "writers"))
        writers = frozenset(login.lower() for login in document.texts("writers"))
        refs, dispatch = document.texts("refs"), document.flag("dispatch")
        self._workflows.put(Workflow(f"{owner}/{name}", file, refs, dispatch, writers))
        return Response(status_code=204)

    async def read_dispatches(self, request: Request) -> Response:
        """Give the events that came with the credential `credential`, oldest first."""
        taken = self._workflows.dispatches(request.query_params.get("credential", ""))
        return JSONResponse({"dispatches": [asdict(event) for event in taken]})
