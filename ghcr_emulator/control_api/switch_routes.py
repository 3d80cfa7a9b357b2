"""The routes of the control port for the fault switches."""

import re
import ssl
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ghcr_emulator.control_api.schemas import SwitchList, SwitchStatus
from ghcr_emulator.documents.json_body import read_union
from ghcr_emulator.documents.problems import DocumentError
from ghcr_emulator.faults.kinds import FAULTS, Certificate, Refuse
from ghcr_emulator.faults.matching import ActiveSwitch, Switches
from ghcr_emulator.faults.tls_listener import tls

_MATCHED: Final = ("route", "method", "repository", "reference", "credential")
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
    """The endpoints of the fault switches."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches

    async def read(self, request: Request) -> Response:
        """List the switches, oldest first, with their hits and what is left of each."""
        del request
        return JSONResponse(asdict(SwitchList([_status(switch) for switch in self._switches])))

    async def put(self, request: Request) -> Response:
        """Switch a fault on, in place of a switch of that name."""
        name = str(request.path_params["name"])
        if not _NAME.fullmatch(name):
            raise DocumentError("'name' in the path must be letters, digits, dots, dashes or _")
        fault = read_union(await request.body(), FAULTS, "switch")
        context = _context(fault) if isinstance(fault, Certificate) else None
        self._switches.put(name, fault, context)
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


def _status(switch: ActiveSwitch) -> SwitchStatus:
    fault = switch.fault
    return SwitchStatus(
        name=switch.name,
        kind=fault.kind,
        **{key: getattr(fault, key, None) for key in _MATCHED},
        anonymous=getattr(fault, "anonymous", False),
        active=switch.active,
        hits=None if isinstance(fault, Refuse) else switch.hits,
        count_left=switch.count_left,
        seconds_left=switch.seconds_left,
    )


def _context(fault: Certificate) -> ssl.SSLContext:
    # OpenSSL reads only files. Only this user can open the directory, which is deleted at once.
    with tempfile.TemporaryDirectory(prefix="ghcr-certificate-") as folder:
        chain_file, key_file = Path(folder, "tls.crt"), Path(folder, "tls.key")
        chain_file.write_text(fault.certificate)
        key_file.write_text(fault.key)
        try:
            return tls(chain_file, key_file)
        except ssl.SSLError:
            raise DocumentError("'certificate' and 'key' are no certificate and its key") from None
