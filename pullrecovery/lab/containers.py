"""The lab's own containers: awaited when they start, and removed when nobody needs them."""

from collections.abc import Callable
from typing import TypeVar

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from pullrecovery.errors import LabError
from pullrecovery.lab.paths import LABEL
from pullrecovery.wait import wait_for

T = TypeVar("T")


def await_answer(container: Container, what: str, ask: Callable[[], T], *, within: float) -> T:
    """The first answer that says something, after at most so many seconds.

    Raises WaitError, with the container's last lines, where none comes or it has ended.
    """
    return wait_for(
        what,
        ask,
        bool,
        failed=lambda _: _has_ended(container),
        describe=lambda _: container.logs(tail=15).decode(errors="replace"),
        timeout=within,
    )


def _has_ended(container: Container) -> bool:
    """Whether the container runs no more; the engine is asked."""
    container.reload()
    return container.status in ("exited", "dead")


def remove_own(client: docker.DockerClient, name: str) -> None:
    """Remove the container, if there is one; raises LabError if it is not the lab's."""
    try:
        container = client.containers.get(name)
    except NotFound:
        return
    if LABEL not in container.labels:
        raise LabError(
            f"A container named {name} exists that is not the lab's; rename or remove it"
            f" (docker rm --force {name})."
        )
    container.remove(force=True, v=True)
