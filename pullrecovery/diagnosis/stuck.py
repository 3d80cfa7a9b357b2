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
# Where a pull secret cannot be decoded, Go's error stands where the reason belongs.
_KEYRING_ERROR = re.compile(
    r"^(illegal base64 data|unable to parse auth field|json: cannot unmarshal|invalid character"
    r"|unexpected end of JSON input)"
)


@dataclass(frozen=True)
class Stuck:
    """A container that waits for its image, and its pod."""

    pod: PodSeen
    container: ContainerSeen

    @property
    def said(self) -> str:
        reason, message = self.container.waiting_reason, self.container.waiting_message
        return reason if message == reason else f"{reason}: {message}"

    @property
    def keyring_unreadable(self) -> bool:
        """Whether the kubelet could not decode one of the pod's pull secrets."""
        return bool(_KEYRING_ERROR.match(self.container.waiting_reason))


def stuck_containers(pods: tuple[PodSeen, ...]) -> list[Stuck]:
    """Every container, init containers included, that waits for an image."""
    return [
        Stuck(pod, _with_reason(pod, container))
        for pod in pods
        for container in pod.containers
        if container.waiting_reason in WAITING_FOR_IMAGE
        or _KEYRING_ERROR.match(container.waiting_reason)
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
