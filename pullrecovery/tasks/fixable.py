"""The check that every remediation makes before it changes anything."""

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.model.verdict import Verdict


class NothingToFixError(PullRecoveryError):
    """The cause is outside the target, so no task may change anything."""


def check_fixable(verdict: Verdict) -> None:
    """Raise NothingToFixError, with what to do instead, for a verdict of an external cause.

    The target may be correct in everything: a change by a remediation would be wrong once the
    external failure is over.
    """
    for one in verdict.named:
        if one.cause and one.cause.external:
            raise NothingToFixError(
                f"No remediation fixes {one.cause}: {one.evidence}. Instead: {one.fix}."
            )
