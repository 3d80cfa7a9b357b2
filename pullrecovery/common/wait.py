"""Wait for a state with a deadline, an early failure, and the last state in the error."""

import time
from collections.abc import Callable
from typing import TypeVar

from pullrecovery.common.errors import PullRecoveryError

T = TypeVar("T")


class WaitError(PullRecoveryError):
    """The awaited state did not occur in time, or can no longer occur."""


def wait_for(
    what: str,
    observe: Callable[[], T],
    ready: Callable[[T], bool],
    *,
    failed: Callable[[T], bool] = lambda _: False,
    describe: Callable[[T], object] = lambda state: state,
    timeout: float,
    interval: float = 0.2,
    pause: Callable[[float], None] | None = None,
) -> T:
    """Return the first observed state for which `ready` is true.

    `failed` ends the wait at once: the state is terminal. `timeout` and `interval` are seconds.
    `pause` waits before the next observation, and may return before `interval` is over if there is
    news. Raises WaitError with `what`, the time spent and the last observed state.
    """
    started = time.monotonic()
    while True:
        state = observe()
        if ready(state):
            return state
        spent = time.monotonic() - started
        if failed(state):
            raise WaitError(f"{what}: cannot happen any more, seen: {describe(state)}")
        if spent >= timeout:
            raise WaitError(f"{what}: not after {spent:.1f} s, last seen: {describe(state)}")
        (pause or time.sleep)(interval)
