"""What memory bodies pass through: few large pieces, and a heap that keeps what is freed.

Bodies pass in pieces of 512 KiB to 1 MiB, several copies each. The C library's defaults give such
pieces back to the system when they are freed, and the next one costs a page fault for each 4 KiB:
of an upload's time in the front, nearly a half. So the heap keeps some of it.
"""

import ctypes
from asyncio.sslproto import SSLProtocol
from typing import Final

# mallopt(3): the numbers are the GNU C library's.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3

_KEPT_BYTES: Final = 32 * 1024 * 1024
_LARGEST_PIECE_BYTES: Final = 4 * 1024 * 1024
# What each TLS connection's buffer takes. asyncio's own 256 KiB cost an upload a third more of the
# processor's time.
_INCOMING_BYTES: Final = 512 * 1024


def take_large_pieces() -> None:
    """Let what comes in over TLS come in pieces of up to 512 KiB, on connections made from now on.

    There is no parameter for it: asyncio reads it from the class.
    """
    SSLProtocol.max_size = _INCOMING_BYTES


def keep_freed_memory() -> bool:
    """Let the heap keep up to 32 MiB, where the C library can be told so; say whether it was."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    told = (
        mallopt(_MMAP_THRESHOLD, _LARGEST_PIECE_BYTES),
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES),
    )
    return all(told)
