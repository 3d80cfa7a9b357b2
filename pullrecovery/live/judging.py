"""Judge a criterion in the live world: pass, fail or unknown.

In the lab, tests detect a criterion that passes without testing anything. In the live world nothing
does, so if the registry or GitHub does not report a fact, the outcome is unknown and not a pass.
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
    """The outcome of a criterion."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class LiveJudgement:
    """The outcome of one criterion; `why` is the evidence, or why the outcome is unknown."""

    outcome: Outcome
    why: str
    verdict: Verdict | None = None

    def __str__(self) -> str:
        if self.outcome is Outcome.FAIL and self.verdict:
            return str(self.verdict)
        return f"{self.outcome}: {self.why}" if self.why else str(self.outcome)


@dataclass(frozen=True)
class LivePull:
    """What is visible of a pull without the registry's log: the pod's event and its imageID.

    `event` is the newest event that an image was pulled or found, at the time `at`. Both are empty
    if the API server no longer has the event (after an hour by default).
    """

    pod: str
    image_id: str
    event: str = ""
    at: str = ""


def judge_live(reg: str, observation: Observation) -> LiveJudgement:
    """Judge one criterion; it is unknown if a part is not observed or all causes are external."""
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
    """Return why a criterion that seems to pass is unknown, or ''."""
    if reg != "REG-008":
        return ""
    grant, package = observation.grant, observation.workload.image.package
    if not grant.visibility:
        return f"GitHub does not say who may read {package} (status {grant.status or 'none'})"
    # A token that GitHub does not accept grants nothing, if the registry rejects it as well.
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
    """Return one entry for each container of the live pods."""
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
