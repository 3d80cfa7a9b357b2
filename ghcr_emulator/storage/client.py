"""The HTTP client through which the emulator reaches its storage."""

from typing import Final

import httpx

# A large blob may take either side any time.
_TIMEOUT: Final = httpx.Timeout(None, connect=5.0)
_ANSWER_SECONDS: Final = 30.0
NO_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=20)


def client_of(
    transport: httpx.AsyncBaseTransport, address: str = "http://storage"
) -> httpx.AsyncClient:
    """Return a client whose requests go through `transport`; the caller closes it."""
    return httpx.AsyncClient(
        base_url=address, timeout=_TIMEOUT, transport=transport, trust_env=False
    )


async def answer_of(storage: httpx.AsyncClient) -> str | None:
    """Check once whether a storage is a registry; return None if so, or what it answered."""
    try:
        reply = await storage.get("/v2/", timeout=_ANSWER_SECONDS)
    except httpx.TransportError as error:
        return repr(error)
    return None if reply.is_success else f"status {reply.status_code}"
