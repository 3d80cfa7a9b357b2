"""The one way to say that a part of an observation is not known."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NotObserved:
    """A fact that was not observed; `reason` is a sentence or clause for the user that says why."""

    reason: str

    def __str__(self) -> str:
        return self.reason
