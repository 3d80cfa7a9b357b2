"""The lab's directories on the host: a cache that outlives the lab, and a state directory."""

import os
from dataclasses import dataclass
from pathlib import Path

NAME = "pull-recovery"
LABEL = "dev.pullrecovery.lab"
SHARED_LABEL = "dev.pullrecovery.shared"
_RUN = Path("/run")


@dataclass(frozen=True)
class Paths:
    """The lab's directories.

    `cache` is keyed by content and may be deleted at any time. `state` belongs to the running lab
    and is deleted with it. `machine_lock` is the file that every run of root locks, whatever its
    directories are; None for other users.
    """

    cache: Path
    state: Path
    machine_lock: Path | None = None

    @property
    def tools(self) -> Path:
        return self.cache / "tools"

    @property
    def engine_data(self) -> Path:
        return self.cache / "engine"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "kubeconfig"

    @property
    def certs(self) -> Path:
        return self.state / "certs.d"

    @property
    def home(self) -> Path:
        """Return the HOME of every tool that the lab runs, so that none uses the user's."""
        return self.state / "home"


def default_paths() -> Paths:
    """Return the directories of the XDG base directory specification and its variables."""
    home = Path.home()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    state = Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    return Paths(cache / NAME, state / NAME, _machine_lock())


def _machine_lock() -> Path | None:
    """Return a lock file in a directory that only root may write; None for other users.

    No other user can lock it or replace it by a link. Other users start no engine and change
    nothing that exists once on the machine.
    """
    root = os.geteuid() == 0 and os.access(_RUN, os.W_OK)
    return _RUN / f"{NAME}.lock" if root else None
