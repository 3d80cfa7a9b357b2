"""Containers that wait for their image."""

from dataclasses import dataclass

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
        Stuck(pod, container)
        for pod in pods
        for container in pod.containers
        if container.waiting_reason in WAITING_FOR_IMAGE
    ]


def unknown(stuck: Stuck) -> Verdict:
    """No known cause fits what the kubelet said."""
    return fails(Cause.UNKNOWN, stuck.said, READ)
