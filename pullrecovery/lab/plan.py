"""Where the node image comes from: pulled by digest, or built; decided once, and said."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

import docker
from docker.errors import APIError, ImageNotFound

from pullrecovery.errors import UsageError
from pullrecovery.lab.versions import KubernetesSet

_ANSWER_WITHIN = 10.0
_CHOICES = ("auto", "pull", "build")


@dataclass(frozen=True)
class NodePlan:
    """`pull` says whether the published node image is used; `reason` says why."""

    pull: bool
    reason: str


def wanted_images() -> str:
    """The value of IMAGES: auto, pull or build. Raises UsageError for another."""
    wanted = os.environ.get("IMAGES", "auto")
    if wanted not in _CHOICES:
        raise UsageError(f"IMAGES={wanted} is none of: {', '.join(_CHOICES)}.")
    return wanted


def plan_node(client: docker.DockerClient, versions: KubernetesSet, *, built: bool) -> NodePlan:
    """Decide by IMAGES, by what the engine has, and at last by asking the image registry."""
    wanted = wanted_images()
    if wanted == "build":
        return NodePlan(False, "IMAGES=build")
    if has_image(client, versions.node_image):
        return NodePlan(True, "the published node image is already here")
    if wanted == "pull":
        return NodePlan(True, "IMAGES=pull")
    if built:
        return NodePlan(False, "the built node image is already here")
    if registry_answers(client, versions.node_image):
        return NodePlan(True, "an image registry answers")
    return NodePlan(False, f"no image registry answered within {_ANSWER_WITHIN:g} s")


def has_image(client: docker.DockerClient, reference: str) -> bool:
    """Whether the engine has the image."""
    try:
        client.images.get(reference)
    except ImageNotFound:
        return False
    return True


def registry_answers(client: docker.DockerClient, reference: str) -> bool:
    """Ask the engine for the image's description in its registry; nothing is pulled yet."""
    seen: list[bool] = []

    def ask() -> None:
        try:
            client.images.get_registry_data(reference)
        except (APIError, OSError):
            seen.append(False)
        else:
            seen.append(True)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_ANSWER_WITHIN)
    return bool(seen and seen[0])


def pull_node(client: docker.DockerClient, reference: str, note: Callable[[str], None]) -> str:
    """Pull the node image by digest; returns its reference."""
    if not has_image(client, reference):
        note(f"pulling {reference}")
        client.api.pull(reference)
    return reference
