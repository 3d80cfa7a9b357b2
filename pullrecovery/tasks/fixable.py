"""What every remedy asks before it changes anything."""

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.model.verdict import Verdict


class NothingToFixError(PullRecoveryError):
    """The cause lies beyond the target, where no task may change anything."""


def check_fixable(verdict: Verdict) -> None:
    """Raise NothingToFixError, with what to do instead, for a verdict of an external cause.

    The target may be right in everything: whatever a remedy changed would be wrong when it is over.
    """
    for one in verdict.named:
        if one.cause and one.cause.external:
            raise NothingToFixError(
                f"Nothing is mended for {one.cause}: {one.evidence}. Instead: {one.fix}."
            )
