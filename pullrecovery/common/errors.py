"""The errors that a user may see, each with its exit code."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `python -m pullrecovery`, as listed in docs/result.schema.json."""

    PASS = 0
    FAIL = 1
    UNKNOWN = 2
    USAGE = 4


class PullRecoveryError(Exception):
    """A clear sentence for the user: what is wrong, where, and what to do."""

    exit = Exit.UNKNOWN


class UsageError(PullRecoveryError):
    """An invalid option or target file; nothing was started."""

    exit = Exit.USAGE


class LabError(PullRecoveryError):
    """The lab could not be started, used or removed."""


class HeldError(PullRecoveryError):
    """A revision that the gate holds, and why."""

    exit = Exit.FAIL


class NotObservedError(PullRecoveryError):
    """Something could not be observed, so its outcome is unknown."""


class ForbiddenError(NotObservedError):
    """The API server forbids the user `what`, a verb and a resource."""

    def __init__(self, what: str, answer: str) -> None:
        super().__init__(f"The API server forbids to {what}: {answer}")
        self.what = what
