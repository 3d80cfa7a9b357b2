"""What a look at the live world comes to: a criterion holds, fails, or cannot be told.

Where the lab has a test that would notice a vacuous verdict, nothing stands behind one here, so
that what the registry or GitHub did not tell is said, and is no pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.model.observation import Observation, PodStatus
from pullrecovery.model.verdict import Verdict
from pullrecovery.tasks import CRITERIA

_OK, _UNKNOWN = 200, 401
_PULLED = "Pulled"


class Outcome(StrEnum):
    """What a criterion comes to."""

    PASS = "holds"
    FAIL = "fails"
    UNKNOWN = "cannot_tell"


@dataclass(frozen=True)
class LiveJudgement:
    """One criterion on one look; `why` is the evidence, or why nothing can be told."""

    outcome: Outcome
    why: str
    verdict: Verdict | None = None

    def __str__(self) -> str:
        if self.outcome is Outcome.FAIL and self.verdict:
            return str(self.verdict)
        return f"{self.outcome.replace('_', ' ')}: {self.why}" if self.why else str(self.outcome)


@dataclass(frozen=True)
class LivePull:
    """What is left to see of a pull without the registry's log: the pod's event and its imageID.

    `said` is the newest event that an image was pulled, or found, at `at`; both empty where the API
    server has it no more, as after an hour by default.
    """

    pod: str
    image_id: str
    said: str = ""
    at: str = ""


def judge_live(reg: str, observation: Observation) -> LiveJudgement:
    """The verdict of one criterion; an external cause alone, or a part unseen, cannot be told."""
    try:
        verdict = CRITERIA[reg](observation)
        doubt = _doubt(reg, observation) if verdict.passes else ""
    except PullRecoveryError as error:
        return LiveJudgement(Outcome.UNKNOWN, str(error))
    if doubt:
        return LiveJudgement(Outcome.UNKNOWN, doubt)
    if verdict.passes:
        return LiveJudgement(Outcome.PASS, verdict.evidence, verdict)
    beyond = all(one.cause and one.cause.external for one in verdict.named)
    outcome = Outcome.UNKNOWN if beyond else Outcome.FAIL
    return LiveJudgement(outcome, str(verdict), verdict)


def _doubt(reg: str, observation: Observation) -> str:
    """Why a criterion that seems to hold cannot be said to."""
    if reg != "REG-008":
        return ""
    grant, package = observation.grant, observation.workload.image.package
    if not grant.visibility:
        return f"GitHub does not say who may read {package} (status {grant.status or 'none'})"
    # One that GitHub does not know grants nothing, if the registry does not know it either.
    taken = any(entry.accepted for entry in observation.secret.entries)
    sure = (_OK,) if taken else (_OK, _UNKNOWN)
    silent = next((token for token in grant.tokens if token.status not in sure), None)
    if silent is None:
        return ""
    return (
        "GitHub does not say what the pull secret's token may do"
        f" ({silent.status or 'no answer'} {silent.message})".replace(" )", ")")
    )


def live_pulls(observation: Observation) -> tuple[LivePull, ...]:
    """One entry for each container of the live pods."""
    return tuple(_pulls(observation.pods))


def _pulls(pods: tuple[PodStatus, ...]) -> Iterator[LivePull]:
    for pod in pods:
        pulled = [event for event in pod.events if event.reason == _PULLED]
        for container in pod.containers:
            own = [each for each in pulled if f"{{{container.name}}}" in each.field_path]
            if own:
                at = own[-1].stamped.isoformat()
                yield LivePull(pod.name, container.image_id, own[-1].message, at)
            else:
                yield LivePull(pod.name, container.image_id)
