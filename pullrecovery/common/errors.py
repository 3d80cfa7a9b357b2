"""The errors a user may meet, each with the exit code that belongs to it."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `python -m pullrecovery`, as docs/result.schema.json lists them."""

    HOLDS = 0
    DOES_NOT_HOLD = 1
    CANNOT_TELL = 2
    USAGE = 4


class PullRecoveryError(Exception):
    """One clear sentence for the user: what is wrong, where, and what to do."""

    exit = Exit.CANNOT_TELL


class UsageError(PullRecoveryError):
    """A wrong option or target file; nothing was started."""

    exit = Exit.USAGE


class LabError(PullRecoveryError):
    """The lab could not be raised, used or removed."""


class HeldError(PullRecoveryError):
    """A revision that the gate does not let through, and why."""

    exit = Exit.DOES_NOT_HOLD


class UnseenError(PullRecoveryError):
    """What was to be judged could not be looked at, so that nothing is said of it."""


class ForbiddenError(UnseenError):
    """The API server lets the user not do `what`, a verb and a resource."""

    def __init__(self, what: str, said: str) -> None:
        super().__init__(f"The API server forbids to {what}: {said}")
        self.what = what
