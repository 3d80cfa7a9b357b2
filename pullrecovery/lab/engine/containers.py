"""Wait for the lab's own containers, run commands in them, and remove them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from struct import Struct
from typing import Any, BinaryIO, TypeVar

import docker
from docker.errors import NotFound
from docker.models.containers import Container
from docker.utils.socket import STDOUT

from pullrecovery.common.errors import LabError
from pullrecovery.common.wait import wait_for
from pullrecovery.lab.paths import LABEL

T = TypeVar("T")
# The number of the stream, and the length of the content that follows.
_HEADER = Struct(">BxxxL")


def await_answer(container: Container, what: str, ask: Callable[[], T], *, within: float) -> T:
    """Return the first true answer within `within` seconds.

    Raises WaitError with the container's last lines if there is none or the container has ended.
    """
    return wait_for(
        what,
        ask,
        bool,
        failed=lambda _: _has_ended(container),
        describe=lambda _: container.logs(tail=15).decode(errors="replace"),
        timeout=within,
    )


@dataclass(frozen=True)
class Execution:
    """The result of a command in a container: its exit code, standard output and errors."""

    exit_code: int
    output: bytes
    errors: bytes

    @property
    def said(self) -> str:
        """Return both outputs as text, the errors last."""
        return (self.output + self.errors).decode(errors="replace").strip()


def execute(
    container: Container, command: Sequence[str], given: bytes = b"", **options: Any
) -> Execution:
    """Run `command` in the container with `given` as its standard input, and wait for its end.

    The command must know where its input ends, because the input is not closed. `options` are those
    of the SDK's `exec_create`. The SDK's own `exec_run` reads the connection below the buffer of
    the HTTP response, and loses what the engine sent together with its headers: the first output of
    a quick command on a busy machine (docker-py 7.2, `APIClient._get_raw_response_socket`).
    """
    engine: Any = container.client
    asked = engine.api.exec_create(container.id, list(command), stdin=bool(given), **options)["Id"]
    stream = engine.api.exec_start(asked, socket=True)
    # The SDK's object is read-only; the socket behind it has another type on each platform.
    wire: Any = getattr(stream, "_sock", stream)
    with closing(wire), closing(stream):
        wire.settimeout(None)
        wire.sendall(given)
        frames = list(_frames(stream._response.raw._fp.fp))  # noqa: SLF001
    return Execution(
        exit_code=int(engine.api.exec_inspect(asked)["ExitCode"]),
        output=b"".join(data for which, data in frames if which == STDOUT),
        errors=b"".join(data for which, data in frames if which != STDOUT),
    )


def _frames(connection: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each frame's stream and content, until the engine closes the connection.

    Source: Engine API, "Attach to a container", stream format.
    """
    while len(header := connection.read(_HEADER.size)) == _HEADER.size:
        which, size = _HEADER.unpack(header)
        yield which, connection.read(size)


def run_in(container: Container, command: Sequence[str], problem: str, **options: Any) -> str:
    """Return what `command` printed in the container; `options` are those of `execute`.

    Raises LabError with `problem` and the output if the command fails.
    """
    done = execute(container, command, **options)
    if done.exit_code != 0:
        raise LabError(f"{problem}: {done.said}")
    return done.output.decode(errors="replace")


def _has_ended(container: Container) -> bool:
    """Return whether the container has ended, according to the engine."""
    container.reload()
    return container.status in ("exited", "dead")


def remove_own(client: docker.DockerClient, name: str) -> None:
    """Remove the container if it exists; raises LabError if it is not the lab's."""
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
