"""The lab's own containers: awaited when they start, given work, and removed in the end."""

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, TypeVar

import docker
from docker.errors import NotFound
from docker.models.containers import Container
from docker.utils.socket import STDOUT, frames_iter

from pullrecovery.common.errors import LabError
from pullrecovery.common.wait import wait_for
from pullrecovery.lab.paths import LABEL

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


def fed(container: Container, command: Sequence[str], given: bytes) -> tuple[bytes, bytes]:
    """Run `command` in the container with `given` as its standard input; its output and errors.

    The command must know where its input ends, as that is not closed, and print nothing before it
    has read it: what comes earlier may be lost.
    """
    engine: Any = container.client
    started = engine.api.exec_create(container.id, list(command), stdin=True)["Id"]
    stream = engine.api.exec_start(started, socket=True)
    # What the SDK gives reads only; what is behind it is another thing on every platform.
    wire: Any = getattr(stream, "_sock", stream)
    with closing(wire), closing(stream):
        wire.sendall(given)
        frames: list[tuple[int, bytes]] = list(frames_iter(wire, tty=False))  # type: ignore[no-untyped-call]
    output = b"".join(data for which, data in frames if which == STDOUT)
    return output, b"".join(data for which, data in frames if which != STDOUT)


def run_in(container: Container, command: Sequence[str], problem: str, **options: Any) -> str:
    """What `command` printed in the container; `options` are those of the SDK's `exec_run`.

    Raises LabError with `problem`, and with what was printed, where it fails.
    """
    done = container.exec_run(list(command), **options)
    said = whole_output(done.output).decode(errors="replace")
    if done.exit_code != 0:
        raise LabError(f"{problem}: {said.strip()}")
    return said


def whole_output(output: object) -> bytes:
    """What a command in a container printed, as `exec_run` gives it where nothing streams."""
    return output if isinstance(output, bytes) else b""


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
