"""The control port's routes for the fault switches."""

import re
from dataclasses import asdict
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ghcr_emulator.control_api.switch_schemas import read_order
from ghcr_emulator.faults.kinds import Refuse
from ghcr_emulator.faults.matching import Switch, Switches
from ghcr_emulator.state.json_schema import DocumentError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def switch_routes(switches: Switches) -> list[Route]:
    """Return the routes; each answers when the change is in force."""
    control = _SwitchControl(switches)
    return [
        Route("/switches", control.read, methods=["GET"]),
        Route("/switches", control.clear, methods=["DELETE"]),
        Route("/switches/{name}", control.put, methods=["PUT"]),
        Route("/switches/{name}", control.delete, methods=["DELETE"]),
    ]


class _SwitchControl:
    """The endpoints."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches

    async def read(self, request: Request) -> Response:
        """List the switches, oldest first, with their hits and what they have left."""
        del request
        return JSONResponse({"switches": [_row(switch) for switch in self._switches]})

    async def put(self, request: Request) -> Response:
        """Switch a fault on, in place of one of that name."""
        name = str(request.path_params["name"])
        if not _NAME.fullmatch(name):
            raise DocumentError("'name' in the path must be letters, digits, dots, dashes or _")
        order = read_order(await request.body())
        self._switches.put(name, order.fault, order.match, count=order.count, seconds=order.seconds)
        return await self._settled()

    async def delete(self, request: Request) -> Response:
        """Switch a fault off."""
        if not self._switches.drop(request.path_params["name"]):
            raise HTTPException(404, "there is nothing of that name")
        return await self._settled()

    async def clear(self, request: Request) -> Response:
        """Switch all faults off."""
        del request
        self._switches.clear()
        return await self._settled()

    async def _settled(self) -> Response:
        try:
            await self._switches.settle()
        except OSError as error:
            raise HTTPException(503, str(error)) from error
        return Response(status_code=204)


def _row(switch: Switch) -> dict[str, Any]:
    return {
        "name": switch.name,
        "kind": switch.fault.kind,
        **asdict(switch.match),
        "active": switch.active,
        "hits": None if isinstance(switch.fault, Refuse) else switch.hits,
        "count_left": switch.count_left,
        "seconds_left": switch.seconds_left,
    }
