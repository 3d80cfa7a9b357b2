"""A deadline that interrupts any code, including calls without a timeout of their own."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pullrecovery.common.errors import PullRecoveryError


class _PassedError(BaseException):
    """Not an Exception, so that no library handles it as one of its own errors."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise PullRecoveryError in the block after `seconds`; works only in the main thread."""

    def passed(_: int, __: FrameType | None) -> None:
        raise _PassedError

    before = signal.signal(signal.SIGALRM, passed)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _PassedError as error:
        raise PullRecoveryError(f"the deadline of {seconds:g} s has passed") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
