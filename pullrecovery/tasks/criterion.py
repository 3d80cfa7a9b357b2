"""What a criterion is: the parts of an observation that it needs, and a pure function of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import Observation
from pullrecovery.model.observed import Observed, Part, Source
from pullrecovery.model.target import Target
from pullrecovery.model.verdict import Verdict, not_applicable, unknown


def _nothing(_: Target) -> str:
    return ""


@dataclass(frozen=True)
class Criterion:
    """The statement of one task that must be true.

    Without a part that it `needs`, the outcome is unknown. A part that it `uses` only makes the
    verdict more specific. `lacks` says what a target does not have that the criterion is about, or
    returns ''; it does not apply to such a target.
    """

    id: str
    needs: tuple[Part[Any], ...]
    judge: Callable[[Observed], Verdict]
    uses: tuple[Part[Any], ...] = ()
    lacks: Callable[[Target], str] = _nothing

    @property
    def source(self) -> Source:
        """What a lab must have for the parts that the criterion needs."""
        return max(part.source for part in self.needs)

    def __call__(self, observation: Observation) -> Verdict:
        """The verdict on one observation."""
        lacking = self.lacks(observation.target)
        if lacking:
            return not_applicable(lacking)
        for part in self.needs:
            value = getattr(observation, part.name)
            if isinstance(value, NotObserved):
                return unknown(value.reason)
        return self.judge(Observed(observation, frozenset(self.needs), frozenset(self.uses)))
