"""Containers that run for one step and are removed after it, unless the run is killed."""

import secrets

import docker

from pullrecovery.lab.paths import LABEL, NAME

_PREFIX = f"{NAME}-passing-"


def one_off_name() -> str:
    """Return a name for such a container.

    A label cannot mark it, because `commit` copies labels to the image.
    """
    return _PREFIX + secrets.token_hex(4)


def remove_one_off(client: docker.DockerClient) -> list[str]:
    """Remove one-off containers of an earlier run; only for the run that has the lab's lock."""
    found = client.containers.list(all=True, filters={"label": LABEL, "name": _PREFIX})
    for container in found:
        container.remove(force=True, v=True)
    return [str(container.name) for container in found]
