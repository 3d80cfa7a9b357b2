"""Decide whether the node image is pulled by digest or built."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

import docker
from docker.errors import APIError

from pullrecovery.common.errors import LabError, UsageError
from pullrecovery.lab.engine.pull_image import PullError, has_image, pull
from pullrecovery.lab.images.published_node import published_base, published_node
from pullrecovery.lab.tools.versions import KubernetesSet

_ANSWER_WITHIN = 10.0
_CHOICES = ("auto", "pull", "build")


@dataclass(frozen=True)
class NodePlan:
    """Whether to pull the published images (`pull`) or to build them, and why (`reason`)."""

    pull: bool
    reason: str


def wanted_images() -> str:
    """Return the value of IMAGES: auto, pull or build; raises UsageError for any other."""
    wanted = os.environ.get("IMAGES") or "auto"
    if wanted not in _CHOICES:
        raise UsageError(f"IMAGES={wanted} is none of: {', '.join(_CHOICES)}.")
    return wanted


def plan_node(
    client: docker.DockerClient,
    versions: KubernetesSet,
    *,
    built: bool,
    note: Callable[[str], None],
) -> NodePlan:
    """Decide by IMAGES, then by the engine's images, then by asking the image registry.

    If the plan is to pull, the images have been pulled when this returns. Raises LabError if
    IMAGES=pull and the images cannot be pulled.
    """
    wanted = wanted_images()
    if wanted == "build":
        return NodePlan(False, "IMAGES=build")
    published = (published_node(versions), published_base())
    if all(has_image(client, image) for image in published):
        return NodePlan(True, "the published images are already here")
    if wanted == "auto" and built:
        return NodePlan(False, "the built node image is already here")
    if wanted == "auto" and not registry_answers(client, published[0]):
        return NodePlan(False, f"no image registry answered within {_ANSWER_WITHIN:g} s")
    try:
        for image in published:
            pull(client, image, note)
    except PullError as error:
        if wanted == "pull":
            fix = "run again to go on, or set IMAGES=build"
            raise LabError(f"{error}; {fix}.") from error
        return NodePlan(False, str(error))
    reason = "IMAGES=pull" if wanted == "pull" else "an image registry answers"
    return NodePlan(True, reason)


def pulls_base(client: docker.DockerClient, *, built: bool) -> bool:
    """Return whether an image that is built without a lab starts from the published Debian image.

    `built` says whether the engine has the bootstrapped base image.
    """
    wanted = wanted_images()
    if wanted == "build":
        return False
    if wanted == "pull" or has_image(client, published_base()):
        return True
    return not built and registry_answers(client, published_base())


def registry_answers(client: docker.DockerClient, reference: str) -> bool:
    """Return whether the engine gets the image's description from its registry.

    It pulls nothing.
    """
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
