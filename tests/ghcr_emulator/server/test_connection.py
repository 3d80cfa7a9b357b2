"""A connection that is cut while it is being closed."""

import asyncio

import pytest

from ghcr_emulator.server.connection import Connection
from ghcr_emulator.server.uvicorn_server import create_server


class Transport:
    """A transport of asyncio that cannot be aborted after it was closed twice over TLS."""

    def __init__(self, context):
        self.context, self.closed, self.aborted = context, 0, False

    def get_extra_info(self, name, default=None):
        return {"sslcontext": self.context}.get(name, default)

    def is_closing(self):
        return bool(self.closed)

    def close(self):
        self.closed += 1

    def abort(self):
        if self.context and self.closed > 1:
            raise AttributeError("'NoneType' object has no attribute '_abort'")
        self.aborted = True


async def _cut(context, *, closed):
    transport = Transport(context)
    connection = Connection(create_server(lambda *_: None), welcome=lambda: True)
    connection.connection_made(transport)
    for _ in range(closed):
        transport.close()
    connection.cut()
    return transport.aborted


@pytest.mark.parametrize(
    ("context", "closed", "aborted"),
    [(None, 0, True), (None, 2, True), ("tls", 0, True), ("tls", 1, False), ("tls", 2, False)],
)
def test_connection_is_cut_unless_closing(context, closed, aborted):
    """Both ends may close a connection at the same time as a switch changes."""
    assert asyncio.run(_cut(context, closed=closed)) is aborted
