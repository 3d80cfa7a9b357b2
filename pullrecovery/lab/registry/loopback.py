"""Run the GHCR emulator, or CNCF distribution alone, as a process on the loopback interface.

No container engine is needed. All their files are in a directory that the caller gives.
"""

import json
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ghcr_emulator.certificates import ServerCertificate, issue_certificate
from ghcr_emulator.state.secret_files import write_private
from ghcr_emulator.storage.distribution import registry_config
from pullrecovery.common.errors import LabError
from pullrecovery.common.redaction import protect
from pullrecovery.common.suite_files import IMPORT_ROOT
from pullrecovery.common.variables import VariableSet, inherited
from pullrecovery.common.wait import wait_for
from pullrecovery.lab.engine.network import free_ports
from pullrecovery.lab.registry.container import GhcrEmulator

LOOPBACK = "127.0.0.1"
_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0
_TAIL = 2000


@dataclass(frozen=True)
class LoopbackEmulator:
    """A running emulator: its ports, and the id of its process."""

    emulator: GhcrEmulator
    pid: int
    output: Path


@dataclass(frozen=True)
class Distribution:
    """A running distribution without the emulator."""

    port: int
    pid: int


@contextmanager
def running_emulator(
    storage: str, folder: Path, accounts: Path | None = None
) -> Iterator[LoopbackEmulator]:
    """Run the emulator with a storage for the length of the block.

    `storage` is a URL as in the emulator's --storage. `folder` gets certificates, settings and
    output. `accounts` is the initial world file. Raises LabError or WaitError if it does not start.
    """
    folder.mkdir(parents=True)
    if accounts is not None:
        # A link, because the token files that it names are relative to its own directory.
        (folder / "accounts.yaml").symlink_to(accounts.resolve())
    certificate = issue_certificate(folder)
    secret = protect(secrets.token_urlsafe(32))
    write_private(folder / "control.secret", secret.encode())
    https, control = free_ports(2)
    settings = {
        "registry_host": LOOPBACK,
        "registry_port_tls": https,
        "control_host": LOOPBACK,
        "control_port": control,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    emulator = GhcrEmulator(https, control, certificate.ca_file, secret)
    output = folder / "front.log"
    program = [sys.executable, "-m", "ghcr_emulator"]
    command = [*program, "--config", str(folder), "--storage", storage]
    with _running("the GHCR emulator", command, output, lambda: _emulator_answers(emulator)) as pid:
        yield LoopbackEmulator(emulator, pid, output)


@contextmanager
def running_distribution(
    registry: Path, folder: Path, certificate: ServerCertificate | None = None
) -> Iterator[Distribution]:
    """Run distribution as the emulator does, for the length of the block; see running_emulator.

    With a certificate it speaks TLS itself.
    """
    folder.mkdir(parents=True)
    (port,) = free_ports(1)
    http: dict[str, object] = {"addr": f"{LOOPBACK}:{port}"}
    if certificate is not None:
        http["tls"] = {"certificate": str(certificate.chain_file), "key": str(certificate.key_file)}
    config = registry_config(folder / "storage", http)
    write_private(folder / "config.json", json.dumps(config).encode())
    command = [str(registry), "serve", str(folder / "config.json")]
    quiet = {"OTEL_TRACES_EXPORTER": "none"}
    output = folder / "distribution.log"
    with _running("distribution", command, output, lambda: _listens(port), quiet) as pid:
        yield Distribution(port, pid)


@contextmanager
def _running(
    what: str,
    command: Sequence[str],
    output: Path,
    answers: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run a process for the length of the block, which starts once it answers; yield its id."""
    with (
        output.open("wb") as written,
        subprocess.Popen(
            command,
            cwd=IMPORT_ROOT,
            env=inherited([VariableSet.PYTHON]) if environment is None else environment,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            wait_for(
                f"{what} answers",
                answers,
                bool,
                failed=lambda _: process.poll() is not None,
                describe=lambda _: output.read_text(errors="replace")[-_TAIL:],
                timeout=_READY_SECONDS,
            )
            yield process.pid
            if process.poll() is not None:
                said = output.read_text(errors="replace")[-_TAIL:]
                raise LabError(f"{what} ended by itself, with {process.returncode}: {said}")
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _emulator_answers(emulator: GhcrEmulator) -> bool:
    try:
        with emulator.control() as control:
            control.instance()
    except LabError:
        return False
    return _listens(emulator.https_port)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True
