"""Where the lab keeps things on the host: one cache that stays, one state folder that goes."""

import os
from dataclasses import dataclass
from pathlib import Path

NAME = "pull-recovery"
LABEL = "dev.pullrecovery.lab"
SHARED_LABEL = "dev.pullrecovery.shared"
_RUN = Path("/run")


@dataclass(frozen=True)
class Paths:
    """The lab's folders.

    `cache` holds what is keyed by content and may be deleted at any time;
    `state` holds what belongs to the running lab and goes with it.
    `machine_lock` is held by any run of root's, whatever its folders are; None for other users.
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
        """The HOME of every tool the lab runs, so that none reads or writes the user's."""
        return self.state / "home"


def default_paths() -> Paths:
    """Folders by the XDG base directory specification, overridable by its variables."""
    home = Path.home()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    state = Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    return Paths(cache / NAME, state / NAME, _machine_lock())


def _machine_lock() -> Path | None:
    """A file in a folder that root alone may write: no other user can hold it, or put a link there.

    Who is not root starts no engine and changes nothing that the machine has once.
    """
    root = os.geteuid() == 0 and os.access(_RUN, os.W_OK)
    return _RUN / f"{NAME}.lock" if root else None
