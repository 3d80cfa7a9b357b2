"""A deadline that ends whatever is going on: also a call that knows no time-out of its own."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pullrecovery.common.errors import PullRecoveryError


class _PassedError(BaseException):
    """Not an Exception, so that no library on the way takes it for one of its own."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise PullRecoveryError in the block once `seconds` are over; in the main thread alone."""

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
