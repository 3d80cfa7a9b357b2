"""Bodies of answers that are made slow, short or wrong on their way to the client."""

from collections.abc import AsyncIterator
from typing import Final

from ghcr_emulator.faults.kinds import Slow
from ghcr_emulator.faults.matching import ActiveSwitch

_GZIP: Final = b"\x1f\x8b"
# The first byte of the time in a gzip header: readers of the content ignore it.
_GZIP_TIME: Final = 4
_TICKS: Final = 10  # per second


class WrongByte:
    """Changes one byte of a body that comes in parts.

    The byte is chosen so that the content can still be read and only its digest shows the change:
    the time in a gzip header, or else the last digit, for which one part is held back.
    """

    def __init__(self) -> None:
        self._begun = False
        self._held: bytes | None = None

    def change(self, part: bytes, *, last: bool) -> bytes:
        """Return the bytes to send in place of `part`."""
        if not self._begun and part:
            self._begun = True
            if part.startswith(_GZIP) and len(part) > _GZIP_TIME:
                return _changed_at(part, _GZIP_TIME)
            self._held = b""
        if self._held is None:
            return part
        if not last:
            # An empty part is no reason to send the part that may be the last.
            out, self._held = (self._held, part) if part else (b"", self._held)
            return out
        whole, self._held = self._held + part, None
        return _changed_at(whole, _readable_place(whole)) if whole else whole


def another_digest(digest: bytes) -> bytes:
    """Return a digest of the same form with another last digit."""
    return digest[:-1] + (b"0" if digest[-1:] != b"0" else b"1")


async def paced(body: bytes, switch: ActiveSwitch, slow: Slow) -> AsyncIterator[bytes]:
    """Yield the body piece by piece, each after its time, and the rest when `switch` ends."""
    rate = slow.bytes_per_second or 0
    size = max(1, rate // _TICKS)
    while rate and len(body) > 0:
        piece, body = body[:size], body[size:]
        if await switch.over(within=len(piece) / rate):
            yield piece + body
            return
        yield piece
    if body:
        yield body


def _changed_at(content: bytes, index: int) -> bytes:
    old = content[index : index + 1]
    if old.isdigit():
        new = b"1" if old != b"1" else b"2"  # a number may not begin with 0
    elif old.isalpha():
        new = b"a" if old != b"a" else b"b"
    else:
        new = bytes([content[index] ^ 1])
    return content[:index] + new + content[index + 1 :]


def _readable_place(content: bytes) -> int:
    """Return where a byte can change and JSON stays valid: its last digit, or letter."""
    for kind in (bytes.isdigit, bytes.isalpha):
        for index in range(len(content) - 1, -1, -1):
            if kind(content[index : index + 1]):
                return index
    return len(content) - 1
