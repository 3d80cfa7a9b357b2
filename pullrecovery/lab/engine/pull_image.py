"""Pull an image by digest with progress, and give up when the registry sends nothing."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound

_STALLED = 60.0
_STEP = 0.1

Event = dict[str, Any]


class PullError(Exception):
    """An image could not be pulled; the engine keeps complete layers."""


def has_image(client: docker.DockerClient, reference: str) -> bool:
    """Return whether the engine has the image."""
    try:
        client.images.get(reference)
    except ImageNotFound:
        return False
    return True


def pull(
    client: docker.DockerClient,
    reference: str,
    note: Callable[[str], None],
    stalled: float = _STALLED,
) -> None:
    """Pull `reference` unless it exists.

    Raises PullError after `stalled` seconds without progress.
    """
    if has_image(client, reference):
        return
    name = reference.partition("@")[0]
    note(f"pulling {name}")
    shown = 0.0
    layers: dict[str, tuple[int, int]] = {}
    for event in _events(client, reference, stalled):
        if "error" in event:
            raise PullError(f"the image registry gave {name} not: {event['error']}")
        _count(event, layers)
        done, total = (sum(part) for part in zip((0, 0), *layers.values(), strict=True))
        if total and done / total >= shown + _STEP:
            shown = done / total
            note(f"{name}: {done / 2**20:.0f} of {total / 2**20:.0f} MiB")


def _count(event: Event, layers: dict[str, tuple[int, int]]) -> None:
    """Record how many bytes of a layer have arrived."""
    detail = event.get("progressDetail") or {}
    if event.get("status") == "Downloading" and detail.get("total"):
        layers[str(event["id"])] = (int(detail["current"]), int(detail["total"]))


def _events(client: docker.DockerClient, reference: str, stalled: float) -> Iterator[Event]:
    """Yield the engine's events of the pull; without this limit the engine would wait forever."""
    events: queue.Queue[Event | None] = queue.Queue()

    def listen() -> None:
        try:
            for event in client.api.pull(reference, stream=True, decode=True):
                events.put(event)
        except (APIError, OSError) as error:
            events.put({"error": str(error)})
        events.put(None)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        try:
            event = events.get(timeout=stalled)
        except queue.Empty:
            raise PullError(f"the image registry sent nothing for {stalled:g} s") from None
        if event is None:
            return
        yield event
