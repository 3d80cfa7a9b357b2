"""The routes of the control port for the whole world and for the assumptions."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ghcr_emulator.documents.json_body import read_json
from ghcr_emulator.state.assumptions import Assumptions
from ghcr_emulator.state.state import State
from ghcr_emulator.state.world_file import WorldFile, read_world


def world_routes(state: State) -> list[Route]:
    """Return the routes for the world; their errors are DocumentErrors."""
    endpoints = _World(state)
    return [
        Route("/world", endpoints.put_world, methods=["PUT"]),
        Route("/assumptions", endpoints.put_assumptions, methods=["PUT"]),
        Route("/assumptions", endpoints.get_assumptions, methods=["GET"]),
    ]


def install(world: WorldFile, state: State) -> None:
    """Replace the state with a world; assumptions that it does not mention stay as they are."""
    state.replace(world.credentials, world.packages, world.owners)
    if world.assumptions is not None:
        state.assumptions = world.assumptions


class _World:
    def __init__(self, state: State) -> None:
        self._state = state

    async def put_world(self, request: Request) -> Response:
        """Replace all owners, packages and credentials with those of a world file."""
        install(read_world(await request.body(), "world"), self._state)
        return Response(status_code=204)

    async def put_assumptions(self, request: Request) -> Response:
        """Set the assumptions in the request, and all others to their defaults."""
        self._state.assumptions = read_json(await request.body(), Assumptions)
        return Response(status_code=204)

    async def get_assumptions(self, request: Request) -> Response:
        """Return every assumption."""
        del request
        return JSONResponse(self._state.assumptions.model_dump())
