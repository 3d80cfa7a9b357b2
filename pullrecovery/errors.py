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
