"""The control port's routes for the whole world and for the knobs."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ghcr_emulator.documents.json_body import read_json
from ghcr_emulator.state.assumptions import Knobs
from ghcr_emulator.state.state import State
from ghcr_emulator.state.world_file import World, read_world


def world_routes(state: State) -> list[Route]:
    """Return the routes; their errors are DocumentErrors."""
    endpoints = _World(state)
    return [
        Route("/world", endpoints.put_world, methods=["PUT"]),
        Route("/knobs", endpoints.put_knobs, methods=["PUT"]),
        Route("/knobs", endpoints.get_knobs, methods=["GET"]),
    ]


def install(world: World, state: State) -> None:
    """Let a world be all there is; knobs that it says nothing of stay as they are."""
    state.replace(world.credentials, world.packages, world.owners)
    if world.knobs is not None:
        state.knobs = world.knobs


class _World:
    def __init__(self, state: State) -> None:
        self._state = state

    async def put_world(self, request: Request) -> Response:
        """Replace all owners, packages and credentials by those of a world file."""
        install(read_world(await request.body(), "world"), self._state)
        return Response(status_code=204)

    async def put_knobs(self, request: Request) -> Response:
        """Set the knobs that are given, and all others to their defaults."""
        self._state.knobs = read_json(await request.body(), Knobs)
        return Response(status_code=204)

    async def get_knobs(self, request: Request) -> Response:
        """Show every knob."""
        del request
        return JSONResponse(self._state.knobs.model_dump())
