"""Who holds a lock of the lab: a record that another run, and another user, can read and check."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from pullrecovery.common.errors import LabError

# Seconds: a machine's clock may be set while a process runs, and start times are told by it.
_SAME_START = 60.0
_NAMESPACE = Path("/proc/self/ns/pid")


class HeldByAnotherError(LabError):
    """Another run holds a lock; the message names it."""


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock, since when (ISO 8601), and for the lab of which folder.

    `started` is the process's start in seconds since the epoch, and `namespace` the pid namespace
    that `pid` is a number of; '' on systems without.
    """

    pid: int
    started: float
    namespace: str
    user: str
    since: str
    folder: str

    @classmethod
    def this_process(cls, folder: Path) -> "Holder":
        """The record of this process, from now on."""
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
        """The record that `text` has; None where it has none, as of a run that has just begun."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError):
            return None

    def write(self) -> str:
        """The record as text."""
        return json.dumps(asdict(self))

    @property
    def is_elsewhere(self) -> bool:
        """Whether the process is one of another container or system, which cannot be looked at."""
        return self.namespace != _namespace()

    def lives(self) -> bool:
        """Whether that process is still there; True where this cannot be told."""
        if self.is_elsewhere:
            return True
        try:
            found = psutil.Process(self.pid).create_time()
        except psutil.NoSuchProcess:
            # /proc may hide other users' processes, and a signal still tells that they are there.
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
