"""Complete answers: refusals with their challenge, and JSON as GHCR writes it."""

import json
from typing import Final

from starlette.responses import Response

from ghcr_emulator.protocol.errors import ProtocolError

_UNAUTHORIZED: Final = 401

# GHCR's literal placeholder where a request is for no repository (README.md, Sources: challenge).
PLACEHOLDER: Final = "repository:user/image:pull"


def refuse(error: ProtocolError, scope: str = PLACEHOLDER) -> Response:
    """Answer with an error; a 401 names the token service and the scope to ask it for."""
    headers = {}
    if error.status == _UNAUTHORIZED:
        headers["www-authenticate"] = (
            f'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="{scope}"'
        )
    return Response(error.body, error.status, headers, media_type="application/json")


def document(content: object, headers: dict[str, str] | None = None) -> Response:
    """Answer 200 with JSON without spaces, with a newline at its end."""
    body = json.dumps(content, separators=(",", ":")).encode() + b"\n"
    return Response(body, headers=headers, media_type="application/json")


def redirect(status: int, address: str) -> Response:
    """Answer with a redirect to an address, and no body."""
    return Response(status_code=status, headers={"location": address})


def not_found() -> Response:
    """Answer as the router of a registry does for a path it does not have."""
    return Response("404 page not found\n", 404, media_type="text/plain")
