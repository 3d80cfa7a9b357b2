"""Requests that wait for the end of a switch, without losing what the client sends."""

import asyncio
from collections import deque
from typing import Final

from starlette.types import Message, Receive

from ghcr_emulator.faults.matching import ActiveSwitch

# The end of a client that sends more bytes than this is noticed only when the wait is over.
_READ_AHEAD: Final = 1024 * 1024


async def hold(switch: ActiveSwitch, receive: Receive) -> Receive | None:
    """Wait until the switch is over; return a receive callable, or None if the client left."""
    read: deque[Message] = deque()
    watching = asyncio.create_task(_until_it_leaves(receive, read))
    waiting = asyncio.create_task(switch.over())
    try:
        await asyncio.wait({watching, waiting}, return_when=asyncio.FIRST_COMPLETED)
        left = watching.done()
    finally:
        watching.cancel()
        waiting.cancel()
        await asyncio.gather(watching, waiting, return_exceptions=True)
    if left:
        return None

    async def receive_what_was_read_first() -> Message:
        return read.popleft() if read else await receive()

    return receive_what_was_read_first


async def gone(receive: Receive) -> None:
    """Wait until the client's connection is closed."""
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


async def _until_it_leaves(receive: Receive, read: deque[Message]) -> None:
    size = 0
    while size < _READ_AHEAD:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        read.append(message)
        size += len(message.get("body", b""))
    await asyncio.get_running_loop().create_future()  # until the task is cancelled
