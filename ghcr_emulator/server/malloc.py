"""Memory for streamed bodies: few large pieces, and a heap that is not shrunk at once.

Bodies pass in pieces of 512 KiB to 1 MiB, with several copies of each. The C library by default
returns such pieces to the system when they are freed, and the next piece costs a page fault for
each 4 KiB: nearly half of an upload's time in the emulator. So the heap retains some of it.
"""

import ctypes
from asyncio.sslproto import SSLProtocol
from typing import Final

# mallopt(3): these numbers are the GNU C library's.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3

_KEPT_BYTES: Final = 32 * 1024 * 1024
_LARGEST_PIECE_BYTES: Final = 4 * 1024 * 1024
# The size of each TLS connection's buffer. asyncio's own 256 KiB costs an upload a third more
# processor time.
_INCOMING_BYTES: Final = 512 * 1024


def take_large_pieces() -> None:
    """Set the buffer of new TLS connections to 512 KiB.

    asyncio has no parameter for it: it reads the size from the class.
    """
    SSLProtocol.max_size = _INCOMING_BYTES


def keep_freed_memory() -> bool:
    """Let the heap retain up to 32 MiB of freed memory; return whether the C library can."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    told = (
        mallopt(_MMAP_THRESHOLD, _LARGEST_PIECE_BYTES),
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES),
    )
    return all(told)
