"""Containers that serve one step and are removed after it; a killed run leaves them."""

import secrets

import docker

from pullrecovery.lab.paths import LABEL, NAME

_PREFIX = f"{NAME}-passing-"


def one_off_name() -> str:
    """A name for such a container. A label would not do: `commit` passes it on to the image."""
    return _PREFIX + secrets.token_hex(4)


def remove_one_off(client: docker.DockerClient) -> list[str]:
    """Remove those that an earlier run left; only for the holder of the lab's lock."""
    found = client.containers.list(all=True, filters={"label": LABEL, "name": _PREFIX})
    for container in found:
        container.remove(force=True, v=True)
    return [str(container.name) for container in found]
