"""What a look at the live world comes to: a criterion holds, fails, or cannot be told.

Where the lab has a test that would notice a vacuous verdict, nothing stands behind one here, so
that what the registry or GitHub did not tell is said, and is no pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.model.observation import Observation, PodSeen
from pullrecovery.model.verdict import Verdict
from pullrecovery.tasks import CRITERIA

_OK, _UNKNOWN = 200, 401
_PULLED = "Pulled"


class Outcome(StrEnum):
    """What a criterion comes to."""

    HOLDS = "holds"
    FAILS = "fails"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True)
class Judged:
    """One criterion on one look; `why` is the evidence, or why nothing can be told."""

    outcome: Outcome
    why: str
    verdict: Verdict | None = None

    def __str__(self) -> str:
        if self.outcome is Outcome.FAILS and self.verdict:
            return str(self.verdict)
        return f"{self.outcome.replace('_', ' ')}: {self.why}" if self.why else str(self.outcome)


@dataclass(frozen=True)
class PullSeen:
    """What is left to see of a pull without the registry's log: the pod's event and its imageID.

    `said` is the newest event that an image was pulled, or found, at `at`; both empty where the API
    server has it no more, as after an hour by default.
    """

    pod: str
    image_id: str
    said: str = ""
    at: str = ""


def judge_live(reg: str, seen: Observation) -> Judged:
    """The verdict of one criterion; an external cause alone, or a part unseen, cannot be told."""
    try:
        verdict = CRITERIA[reg](seen)
        doubt = _doubt(reg, seen) if verdict.holds else ""
    except PullRecoveryError as error:
        return Judged(Outcome.CANNOT_TELL, str(error))
    if doubt:
        return Judged(Outcome.CANNOT_TELL, doubt)
    if verdict.holds:
        return Judged(Outcome.HOLDS, verdict.evidence, verdict)
    beyond = all(one.cause and one.cause.external for one in verdict.named)
    outcome = Outcome.CANNOT_TELL if beyond else Outcome.FAILS
    return Judged(outcome, str(verdict), verdict)


def _doubt(reg: str, seen: Observation) -> str:
    """Why a criterion that seems to hold cannot be said to."""
    if reg != "REG-008":
        return ""
    grant, package = seen.grant, seen.workload.image.package
    if not grant.visibility:
        return f"GitHub does not say who may read {package} (status {grant.status or 'none'})"
    # One that GitHub does not know grants nothing, if the registry does not know it either.
    taken = any(entry.accepted for entry in seen.secret.entries)
    sure = (_OK,) if taken else (_OK, _UNKNOWN)
    silent = next((token for token in grant.tokens if token.status not in sure), None)
    if silent is None:
        return ""
    return (
        "GitHub does not say what the pull secret's token may do"
        f" ({silent.status or 'no answer'} {silent.message})".replace(" )", ")")
    )


def pulls_seen(seen: Observation) -> tuple[PullSeen, ...]:
    """One entry for each container of the live pods."""
    return tuple(_pulls(seen.pods))


def _pulls(pods: tuple[PodSeen, ...]) -> Iterator[PullSeen]:
    for pod in pods:
        pulled = [event for event in pod.events if event.reason == _PULLED]
        for container in pod.containers:
            own = [each for each in pulled if f"{{{container.name}}}" in each.field_path]
            if own:
                at = own[-1].stamped.isoformat()
                yield PullSeen(pod.name, container.image_id, own[-1].message, at)
            else:
                yield PullSeen(pod.name, container.image_id)
