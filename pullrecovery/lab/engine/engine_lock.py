"""A lock in the container engine itself, which excludes other users of that engine.

A lock file would need a directory that all of these users may write and no one else. Instead, the
lock is a volume with a fixed name. The engine creates it once, and answers a second request for the
name with the labels of the first. So of two runs exactly one reads its own mark. Source: Docker
Engine API, VolumeCreate and VolumePrune.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import docker
import requests
from docker.errors import DockerException
from docker.utils import version_gte

from pullrecovery.common.errors import LabError
from pullrecovery.lab.engine.engine import Engine
from pullrecovery.lab.engine.lock_holder import HeldByAnotherError, Holder
from pullrecovery.lab.paths import NAME

VOLUME = f"{NAME}-lock"
_MARK, _HOLDER = "dev.pullrecovery.lock", "dev.pullrecovery.holder"
# How many volumes of killed runs to remove, if other runs keep replacing them.
_ATTEMPTS = 5


@contextmanager
def engine_lock(
    engine: Engine, holder: Holder, say: Callable[[str], None], volume: str = VOLUME
) -> Iterator[None]:
    """Lock the engine against runs of other users and of other state directories.

    `volume` is the name of the lock. The lock of a killed run is removed. Raises HeldByAnotherError
    if another run has locked the engine, and LabError if the engine creates no volume.
    """
    client = engine.client()
    mark = secrets.token_hex(16)
    try:
        _take(client, engine.host, volume, holder, mark)
        try:
            yield
        finally:
            _give_back(client, volume, mark, say)
    finally:
        client.close()


def _take(client: docker.DockerClient, host: str, volume: str, holder: Holder, mark: str) -> None:
    labels = {_MARK: mark, _HOLDER: holder.write()}
    for _ in range(_ATTEMPTS):
        try:
            found = client.volumes.create(volume, labels=labels).attrs.get("Labels") or {}
        except DockerException as error:
            raise LabError(f"The engine at {host} gives no lock: {error}") from error
        if found.get(_MARK) == mark:
            return
        other = Holder.read(found.get(_HOLDER, ""))
        if other is None or other.lives():
            raise HeldByAnotherError(_refusal(host, volume, other))
        _remove(client, found.get(_MARK, ""))
    raise LabError(f"The lock of the engine at {host} changes all the time; try again.")


def _refusal(host: str, volume: str, other: Holder | None) -> str:
    start = f"Another run uses the container engine at {host}"
    by_hand = f"`docker volume rm {volume}`"
    if other is None:
        return f"{start}: its volume {volume} does not say which. If none does, {by_hand}."
    if other.is_elsewhere:
        return f"{start}: {other}, in another container. Wait for it to end; if it has, {by_hand}."
    return f"{start}: {other}. Wait for it to end."


def _give_back(
    client: docker.DockerClient, volume: str, mark: str, say: Callable[[str], None]
) -> None:
    try:
        _remove(client, mark)
    except (DockerException, requests.RequestException) as error:
        # The next run detects that this process has ended.
        say(f"the volume {volume} stays until the next run: {error}")


def _remove(client: docker.DockerClient, mark: str) -> None:
    """Remove the volume if it still has this mark, because another run may have replaced it."""
    # Before API 1.42 a prune removes every unused volume; since then only anonymous ones by
    # default.
    named = {"all": True} if version_gte(client.api.api_version, "1.42") else {}
    client.volumes.prune(filters={"label": f"{_MARK}={mark}", **named})
