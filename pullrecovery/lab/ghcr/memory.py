"""How the process keeps memory that it does not need for the moment.

Bodies pass in pieces of 256 KiB to 1 MiB, several copies each. The C library's defaults give such
pieces back to the system when they are freed, and the next one costs a page fault for each 4 KiB:
of an upload's time in the front, nearly a half. So the heap keeps some of it.
"""

import ctypes
from typing import Final

# mallopt(3): the numbers are the GNU C library's.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3

_KEPT_BYTES: Final = 32 * 1024 * 1024
_LARGEST_PIECE_BYTES: Final = 4 * 1024 * 1024


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
