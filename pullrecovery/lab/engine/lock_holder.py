"""A record of the process that has a lock of the lab, which other runs and users can check."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from pullrecovery.common.errors import LabError

# Seconds: start times depend on the clock, which may be set while a process runs.
_SAME_START = 60.0
_NAMESPACE = Path("/proc/self/ns/pid")


class HeldByAnotherError(LabError):
    """Another run has a lock; the message names that run."""


@dataclass(frozen=True)
class Holder:
    """The process that has a lock, since when (ISO 8601), and the lab's state directory.

    `started` is the process's start in seconds since the epoch. `namespace` is the pid namespace of
    `pid`; '' on systems without pid namespaces.
    """

    pid: int
    started: float
    namespace: str
    user: str
    since: str
    folder: str

    @classmethod
    def this_process(cls, folder: Path) -> "Holder":
        """Return the record of this process, from now on."""
        process = psutil.Process()
        return cls(
            pid=process.pid,
            started=process.create_time(),
            namespace=_namespace(),
            user=process.username(),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            folder=str(folder),
        )

    @classmethod
    def read(cls, text: str) -> "Holder | None":
        """Return the record in `text`; None if there is none, as for a run that has just begun."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError):
            return None

    def write(self) -> str:
        """Return the record as text."""
        return json.dumps(asdict(self))

    @property
    def is_elsewhere(self) -> bool:
        """Return whether the process is in another container or system and cannot be checked."""
        return self.namespace != _namespace()

    def lives(self) -> bool:
        """Return whether that process still exists; True if this is unknown."""
        if self.is_elsewhere:
            return True
        try:
            found = psutil.Process(self.pid).create_time()
        except psutil.NoSuchProcess:
            # /proc may hide other users' processes, but a signal still shows that they exist.
            return psutil.pid_exists(self.pid)
        except psutil.AccessDenied:
            return True
        return abs(found - self.started) < _SAME_START

    def __str__(self) -> str:
        return (
            f"process {self.pid} of {self.user}, since {self.since}, for the lab in {self.folder}"
        )


def _namespace() -> str:
    try:
        return str(_NAMESPACE.readlink())
    except OSError:
        return ""
