"""Containers that wait for their image."""

import re
from dataclasses import dataclass, replace

from pullrecovery.diagnosis.advice import READ
from pullrecovery.model import Cause, Verdict, fails
from pullrecovery.observation import ContainerSeen, PodSeen

WAITING_FOR_IMAGE = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
    }
)
_SILENT = re.compile(r'Back-off pulling image "[^"]*"')
_FAILED = re.compile(r'Failed to pull image "[^"]*": ')


@dataclass(frozen=True)
class Stuck:
    """A container that waits for its image, and its pod."""

    pod: PodSeen
    container: ContainerSeen

    @property
    def said(self) -> str:
        return f"{self.container.waiting_reason}: {self.container.waiting_message}"


def stuck_containers(pods: tuple[PodSeen, ...]) -> list[Stuck]:
    """Every container, init containers included, that waits for an image."""
    return [
        Stuck(pod, _with_reason(pod, container))
        for pod in pods
        for container in pod.containers
        if container.waiting_reason in WAITING_FOR_IMAGE
    ]


def _with_reason(pod: PodSeen, container: ContainerSeen) -> ContainerSeen:
    """The container with the text of its last failed pull, where its status in back-off has none.

    Kubelets before 1.32 give it in an event alone.
    """
    if not _SILENT.fullmatch(container.waiting_message):
        return container
    for event in reversed(pod.events):
        failed = _FAILED.match(event.message)
        if failed and event.field_path.endswith(f"{{{container.name}}}"):
            said = f"{container.waiting_message}: ErrImagePull: {event.message[failed.end() :]}"
            return replace(container, waiting_message=said)
    return container


def unknown(stuck: Stuck) -> Verdict:
    """No known cause fits what the kubelet said."""
    return fails(Cause.UNKNOWN, stuck.said, READ)
