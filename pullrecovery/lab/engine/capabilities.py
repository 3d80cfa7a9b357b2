"""Check whether this machine can give containers every capability that the kernel knows."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Capabilities:
    """The bounding set as a bit mask, and the number of the kernel's last capability."""

    bounding: int
    last: int

    @property
    def complete(self) -> bool:
        """Return whether privileged containers can get every capability of the kernel."""
        full = (1 << (self.last + 1)) - 1
        return self.bounding & full == full


def read_capabilities(proc: Path = Path("/proc")) -> Capabilities:
    """Read CapBnd of this process and cap_last_cap of the kernel."""
    status = (proc / "self" / "status").read_text()
    last = int((proc / "sys" / "kernel" / "cap_last_cap").read_text())
    return parse_capabilities(status, last)


def parse_capabilities(status: str, last: int) -> Capabilities:
    """Parse the text of /proc/self/status; `last` is the number in cap_last_cap."""
    line = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    return Capabilities(int(line.split()[1], 16), last)
