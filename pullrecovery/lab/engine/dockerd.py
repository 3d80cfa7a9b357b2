"""The lab's own container engine, started if none runs: its socket, data and log."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from pullrecovery.common.variables import VariableSet, inherited
from pullrecovery.common.wait import wait_for
from pullrecovery.lab.engine import apt as debian
from pullrecovery.lab.engine.capabilities import Capabilities, read_capabilities
from pullrecovery.lab.engine.endpoints import endpoints
from pullrecovery.lab.engine.engine import Engine, answers
from pullrecovery.lab.engine.host_network import put_back, remember, unmount_below
from pullrecovery.lab.paths import Paths

_PACKAGES = ("docker.io", "containerd", "runc", "iptables")
RUNTIME = "dropcaps"
_RUN_FOLDER = Path("/run/pull-recovery")

_PROGRAMS = ("dockerd", "containerd", "docker-proxy")

Note = Callable[[str], None]


@dataclass(frozen=True)
class OwnEngine:
    """The engine that the lab starts; `paths` say where its data and its log are."""

    paths: Paths

    @property
    def host(self) -> str:
        return f"unix://{_RUN_FOLDER}/docker.sock"

    @property
    def pid_file(self) -> Path:
        return _RUN_FOLDER / "docker.pid"

    @property
    def log_file(self) -> Path:
        return self.paths.state / "engine.log"

    @property
    def _before_file(self) -> Path:
        return self.paths.state / "network-before.json"

    def running(self) -> Engine | None:
        """Return the lab's own engine, if one of an earlier run still answers."""
        return Engine(self.host, owned=True) if answers(self.host) else None

    def start(self, dropcaps: Callable[[], Path], note: Note) -> Engine:
        """Start the daemon detached, and wait until it answers.

        `dropcaps` builds the capability-dropping runtime, and is called only if this machine lacks
        a capability. Raises LabError with the end of the log.
        """
        self._clear_leftovers()
        remember(self._before_file)
        runtime = runtime_options(read_capabilities(), dropcaps)
        if runtime:
            note("this machine lacks a capability: containers run through the lab's dropcaps")
        command = [*self._command(), *runtime]
        note(f"starting a container engine of the lab's own, log in {self.log_file}")
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            daemon = subprocess.Popen(
                command,
                # The daemon needs the proxy variables to pull images.
                env=inherited([VariableSet.NETWORK]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # If the daemon inherited a descriptor of this process, its readers would wait
                # forever.
                close_fds=True,
                start_new_session=True,
                cwd="/",
            )
        wait_for(
            "the container engine answers",
            lambda: (answers(self.host), daemon.poll()),
            lambda seen: seen[0],
            failed=lambda seen: seen[1] is not None,
            describe=lambda _: self._log_end(),
            timeout=60,
        )
        return Engine(self.host, owned=True)

    def holds_containers(self) -> bool:
        """Return whether the engine's data contains containers of an earlier run."""
        folder = self.paths.engine_data / "containers"
        return folder.is_dir() and any(folder.iterdir())

    def left_traces(self) -> bool:
        """Return whether the lab's engine runs, or ended without restoring the host's network."""
        return self._before_file.exists() or bool(engine_processes())

    def stop(self) -> bool:
        """Stop the daemon in the pid file if it is the lab's; return True if one ran."""
        pid = _living(self.pid_file)
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            wait_for(
                "the container engine stops",
                engine_processes,
                lambda seen: not seen,
                timeout=90,
            )
        self._clear_leftovers()
        another = any(answers(place.host) for place in endpoints() if not place.remote)
        put_back(self._before_file, self.paths.engine_data, keep_rules=another)
        return pid is not None

    def _command(self) -> list[str]:
        _RUN_FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.paths.engine_data.mkdir(parents=True, exist_ok=True)
        # An empty configuration, so that the daemon does not read the user's daemon.json.
        config = _RUN_FOLDER / "daemon.json"
        config.write_text("{}\n")
        return [
            "dockerd",
            f"--host={self.host}",
            f"--pidfile={self.pid_file}",
            f"--data-root={self.paths.engine_data}",
            f"--exec-root={_RUN_FOLDER}/exec",
            f"--config-file={config}",
        ]

    def _clear_leftovers(self) -> None:
        """Remove what a killed daemon left, so that a stale pid file does not prevent a new start.

        A containerd that outlived its dockerd is not stopped: the new daemon takes it over with its
        containers.
        """
        for pid_file in _RUN_FOLDER.rglob("*.pid"):
            if _living(pid_file) is None:
                pid_file.unlink()
        if _RUN_FOLDER.exists() and not engine_processes():
            unmount_below(_RUN_FOLDER)
            shutil.rmtree(_RUN_FOLDER)

    def _log_end(self) -> str:
        lines = self.log_file.read_text(errors="replace").splitlines()
        return "\n".join(lines[-8:])


def runtime_options(machine: Capabilities, dropcaps: Callable[[], Path]) -> list[str]:
    """Return the options for dropcaps as default runtime, if the machine lacks a capability."""
    if machine.complete:
        return []
    return [f"--add-runtime={RUNTIME}={dropcaps()}", f"--default-runtime={RUNTIME}"]


def _living(pid_file: Path) -> int | None:
    """Return the pid in the file if that process belongs to the lab's engine, else None."""
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):
        return None
    return pid if pid in engine_processes() else None


def engine_processes() -> list[int]:
    """Return the processes whose command names the lab's run directory.

    These are the daemon, containerd and its shims.
    """
    mark = f"{_RUN_FOLDER}/"
    found = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
        except (psutil.Error, OSError):
            # It has ended in the meantime, or is another user's.
            continue
        program = Path(command[0]).name if command else ""
        if program.startswith(_PROGRAMS) and any(mark in word for word in command):
            found.append(process.pid)
    return found


def install_missing(note: Note) -> None:
    """Install the engine's packages on Debian and Ubuntu, unless they are installed."""
    if not shutil.which("dockerd"):
        note("no container engine here")
        debian.install(_PACKAGES, note)


def why_not_own() -> str:
    """Return why the lab cannot start its own engine here; '' if it can."""
    if os.environ.get("ENGINE") == "never":
        return "ENGINE=never forbids the lab to start one"
    if not Path("/proc/self/status").exists():
        return "the lab starts one on Linux only: start Docker Desktop"
    if os.geteuid() != 0:
        return "the lab starts one only as root: start Docker, or set DOCKER_HOST"
    if not shutil.which("dockerd") and not debian.can_install():
        return "the lab installs one on Debian and Ubuntu only: install Docker and start it"
    return ""
