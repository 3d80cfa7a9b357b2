"""Where to look for the user's engine: DOCKER_HOST, the docker CLI's context, usual sockets.

The order is the docker CLI's own. Nothing is written, and only the contexts in the CLI's directory
are read.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from docker.context import ContextAPI

from pullrecovery.common.errors import LabError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class EngineEndpoint:
    """The address of an engine, and the setting that named it; '' for a usual socket."""

    host: str
    named_by: str = ""

    @property
    def remote(self) -> bool:
        """Return whether the address is on another machine."""
        address = urlsplit(self.host)
        if address.scheme == "ssh":
            return True
        return address.scheme in ("tcp", "http", "https") and address.hostname not in _LOOPBACK


def endpoints() -> list[EngineEndpoint]:
    """Return the one engine that the user names, else the sockets where one usually listens.

    Raises LabError for a context that is set and cannot be read.
    """
    named = os.environ.get("DOCKER_HOST")
    if named:
        return [EngineEndpoint(named, f"DOCKER_HOST={named}")]
    context = _context()
    return [context] if context else [EngineEndpoint(f"unix://{path}") for path in _sockets()]


def _context() -> EngineEndpoint | None:
    """Return the docker CLI's context, unless it is the default one."""
    name = os.environ.get("DOCKER_CONTEXT", "")
    try:
        context = ContextAPI.get_context(name) if name else ContextAPI.get_current_context()
    except Exception as error:  # the library raises bare ones for a broken file
        raise LabError(f"The docker context {name or 'in use'} cannot be read: {error}") from error
    if context is None:
        known = "`docker context ls` lists those there are"
        raise LabError(f"The docker context {name or 'in use'} is not there; {known}.")
    if context.name == "default":
        return None
    return EngineEndpoint(str(context.Host), f"the docker context {context.name}")


def _sockets() -> Iterator[Path]:
    """Yield the sockets of Docker as root, Docker Desktop, and rootless Docker; then Podman's."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    desktop = Path.home() / ".docker"
    usual = (
        Path("/var/run/docker.sock"),
        desktop / "run" / "docker.sock",
        desktop / "desktop" / "docker.sock",
        runtime / "docker.sock",
        runtime / "podman" / "podman.sock",
        Path("/run/podman/podman.sock"),
    )
    return (path for path in usual if path.exists())
