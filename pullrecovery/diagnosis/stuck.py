"""Find containers that wait for their image."""

from dataclasses import dataclass, replace

from pullrecovery.diagnosis.fix_text import READ
from pullrecovery.diagnosis.node_messages import BACK_OFF, PULL_FAILED, SECRET_UNREADABLE
from pullrecovery.model.observation import ContainerStatus, PodStatus
from pullrecovery.model.verdict import Cause, Verdict, fails

WAITING_FOR_IMAGE = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
    }
)
_BEGINNING = frozenset({"ContainerCreating", "PodInitializing"})
_MOVED_ON = frozenset({"Pulled", "Created", "Started"})


@dataclass(frozen=True)
class Stuck:
    """A container that waits for its image, and its pod."""

    pod: PodStatus
    container: ContainerStatus

    @property
    def said(self) -> str:
        reason, message = self.container.waiting_reason, self.container.waiting_message
        return reason if message == reason else f"{reason}: {message}"

    @property
    def keyring_unreadable(self) -> bool:
        """Whether the kubelet could not decode one of the pod's pull secrets."""
        return bool(SECRET_UNREADABLE.match(self.container.waiting_reason))


def stuck_containers(pods: tuple[PodStatus, ...]) -> list[Stuck]:
    """Every container that waits for an image, including init containers."""
    every = (
        Stuck(pod, _with_words(pod, container)) for pod in pods for container in pod.containers
    )
    return [stuck for stuck in every if _waits_for_image(stuck.container.waiting_reason)]


def _waits_for_image(reason: str) -> bool:
    return reason in WAITING_FOR_IMAGE or bool(SECRET_UNREADABLE.match(reason))


def _with_words(pod: PodStatus, container: ContainerStatus) -> ContainerStatus:
    """The container with the message of its last failed pull, if only an event has it.

    The status follows up to a second later, when the kubelet next syncs the pod; and during
    back-off it does not say why before Kubernetes 1.32.
    """
    begins = container.waiting_reason in _BEGINNING
    if not begins and not BACK_OFF.fullmatch(container.waiting_message):
        return container
    text = _last_failure(pod, container.name)
    if not text:
        return container
    if begins:
        return replace(container, waiting_reason="ErrImagePull", waiting_message=text)
    said = f"{container.waiting_message}: ErrImagePull: {text}"
    return replace(container, waiting_message=said)


def _last_failure(pod: PodStatus, container: str) -> str:
    """The kubelet's message about the container's last pull; '' if that pull succeeded."""
    text = ""
    for event in pod.events:
        if event.field_path.endswith(f"{{{container}}}"):
            failed = PULL_FAILED.match(event.message)
            if failed:
                text = event.message[failed.end() :]
            elif event.reason in _MOVED_ON:
                text = ""
    return text


def unknown(stuck: Stuck) -> Verdict:
    """The verdict for a message of the kubelet that matches no known cause."""
    return fails(Cause.UNKNOWN, stuck.said, READ)
