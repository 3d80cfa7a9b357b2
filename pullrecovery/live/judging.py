"""Judge a criterion in the live world, where nothing detects a criterion that passes wrongly."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.observation import Observation, PodStatus
from pullrecovery.model.verdict import Outcome, Verdict, unknown
from pullrecovery.tasks import CRITERIA

_PULLED = "Pulled"


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


def judge_live(reg: str, observation: Observation) -> Verdict:
    """Judge one criterion; it is unknown if a part is not observed or all causes are external."""
    try:
        verdict = CRITERIA[reg](observation)
    except PullRecoveryError as error:
        return unknown(str(error))
    external = all(one.cause and one.cause.external for one in verdict.named)
    return replace(verdict, outcome=Outcome.UNKNOWN) if external else verdict


def live_pulls(observation: Observation) -> tuple[LivePull, ...]:
    """Return one entry for each container of the live pods; none if these were not observed."""
    pods = observation.pods
    return () if isinstance(pods, NotObserved) else tuple(_pulls(pods))


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
