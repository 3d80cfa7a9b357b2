"""The errors a user may meet, each with the exit code that belongs to it."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `python -m pullrecovery`, as docs/result.schema.json lists them."""

    PASS = 0
    FAIL = 1
    UNKNOWN = 2
    USAGE = 4


class PullRecoveryError(Exception):
    """One clear sentence for the user: what is wrong, where, and what to do."""

    exit = Exit.UNKNOWN


class UsageError(PullRecoveryError):
    """A wrong option or target file; nothing was started."""

    exit = Exit.USAGE


class LabError(PullRecoveryError):
    """The lab could not be raised, used or removed."""


class HeldError(PullRecoveryError):
    """A revision that the gate does not let through, and why."""

    exit = Exit.FAIL


class NotObservedError(PullRecoveryError):
    """What was to be judged could not be looked at, so that nothing is said of it."""


class ForbiddenError(NotObservedError):
    """The API server lets the user not do `what`, a verb and a resource."""

    def __init__(self, what: str, said: str) -> None:
        super().__init__(f"The API server forbids to {what}: {said}")
        self.what = what
