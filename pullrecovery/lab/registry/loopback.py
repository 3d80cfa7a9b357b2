"""The stand-in for ghcr.io, and bare distribution, as processes on this machine's loopback.

No container engine is needed. Everything they read and write is in a folder that the caller gives.
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

import trustme

from ghcr_emulator.registry_api.distribution import registry_config
from ghcr_emulator.state.config import Settings
from pullrecovery.common.errors import LabError
from pullrecovery.common.redaction import protect
from pullrecovery.common.suite_files import IMPORT_ROOT
from pullrecovery.common.variables import VariableSet, inherited
from pullrecovery.common.wait import wait_for
from pullrecovery.lab.engine.network import free_ports
from pullrecovery.lab.registry.container import NAMES, StandIn

LOOPBACK = "127.0.0.1"
_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0
_TAIL = 2000


@dataclass(frozen=True)
class Certificate:
    """A certificate for all names and for the loopback, under a CA whose key is forgotten."""

    ca_file: Path
    chain_file: Path
    key_file: Path


@dataclass(frozen=True)
class Front:
    """A running front: where it answers, and the id of its process."""

    stand_in: StandIn
    pid: int
    output: Path


@dataclass(frozen=True)
class Distribution:
    """A running distribution without anything before it."""

    port: int
    pid: int


def issue_certificate(folder: Path) -> Certificate:
    """Write `ca.crt`, `tls.crt` and `tls.key` into `folder`, for this run alone."""
    authority = trustme.CA(organization_name="pull-recovery loopback")
    leaf = authority.issue_cert(*NAMES, LOOPBACK)
    made = Certificate(folder / "ca.crt", folder / "tls.crt", folder / "tls.key")
    made.ca_file.write_bytes(authority.cert_pem.bytes())
    made.chain_file.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    _write_private(made.key_file, leaf.private_key_pem.bytes())
    return made


@contextmanager
def running_front(registry: Path, folder: Path, people: Path | None = None) -> Iterator[Front]:
    """Run the front, with its own distribution behind it, for the length of the block.

    `registry` is distribution's binary; `folder` gets certificates, settings, storage and output;
    `people` is the world file to begin with. Raises LabError or WaitError where it does not come
    up.
    """
    folder.mkdir(parents=True)
    if people is not None:
        # A link, as the file's own folder is where the token files that it names are.
        (folder / "people.yaml").symlink_to(people.resolve())
    certificate = issue_certificate(folder)
    secret = protect(secrets.token_urlsafe(32))
    _write_private(folder / "control.secret", secret.encode())
    https, control, storage = free_ports(3)
    settings = {
        "front_host": LOOPBACK,
        "front_port": https,
        "control_host": LOOPBACK,
        "control_port": control,
        "registry_binary": str(registry),
        "registry_root": str(folder / "storage"),
        "registry_port": storage,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    stand_in = StandIn(https, control, certificate.ca_file, secret)
    output = folder / "front.log"
    command = [sys.executable, "-m", "ghcr_emulator", "--config", str(folder)]
    with _running("the stand-in", command, output, lambda: _front_answers(stand_in)) as pid:
        yield Front(stand_in, pid, output)


@contextmanager
def running_distribution(
    registry: Path, folder: Path, certificate: Certificate | None = None
) -> Iterator[Distribution]:
    """Run distribution as the front runs it, for the length of the block; see running_front.

    With a certificate it speaks TLS itself.
    """
    folder.mkdir(parents=True)
    (port,) = free_ports(1)
    settings = Settings(registry_root=str(folder / "storage"), registry_port=port)
    config: dict[str, object] = registry_config(settings)
    if certificate is not None:
        tls = {"certificate": str(certificate.chain_file), "key": str(certificate.key_file)}
        config["http"] = {**_section(config, "http"), "tls": tls}
    _write_private(folder / "config.json", json.dumps(config).encode())
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
    """Run a process from when it answers until the block ends; gives its id."""
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


def _front_answers(stand_in: StandIn) -> bool:
    try:
        with stand_in.control() as control:
            control.instance()
    except LabError:
        return False
    return _listens(stand_in.https_port)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def _section(config: Mapping[str, object], name: str) -> dict[str, object]:
    section = config[name]
    if not isinstance(section, dict):
        raise TypeError(name)
    return section


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
