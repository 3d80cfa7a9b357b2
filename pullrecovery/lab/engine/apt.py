"""Install Debian packages on this machine, after finishing an installation that was interrupted."""

import shutil
from collections.abc import Callable, Sequence

from pullrecovery.common.process import run
from pullrecovery.common.variables import VariableSet

_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}
_APT = (VariableSet.APT,)
# Another program, such as unattended-upgrades, may have locked dpkg for a while.
_PATIENT = ("-q", "-o", "DPkg::Lock::Timeout=300")


def can_install() -> bool:
    """Return whether this system has apt-get."""
    return shutil.which("apt-get") is not None


def install(packages: Sequence[str], note: Callable[[str], None]) -> None:
    """Install `packages` without what they only recommend; needs root.

    Raises CommandError with apt-get's output.
    """
    if run(["dpkg", "--audit"]).strip():
        note("dpkg was interrupted: finishing that first (dpkg --configure -a)")
        run(["dpkg", "--configure", "-a"], env=_QUIET, timeout=900)
    note(f"installing {', '.join(packages)} with apt-get")
    run(["apt-get", *_PATIENT, "update"], env=_QUIET, inherit=_APT, timeout=600)
    options = ["install", "-y", "--no-install-recommends"]
    run(["apt-get", *_PATIENT, *options, *packages], env=_QUIET, inherit=_APT, timeout=900)
