"""What the stand-in is started with: a folder that the lab prepares.

| file | what |
|---|---|
| tls.crt, tls.key | certificate (chain) and key of the front, PEM |
| control.secret | the control port's secret, 16 characters or more, readable by its owner alone |
| settings.json | optional: any field of Settings, under its own name; `knobs` is an object |
| people.yaml | optional: the world to begin with (world_file.py) |
"""

import ssl
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final

from ghcr_emulator.state.assumptions import KnobError, Knobs, set_knobs
from ghcr_emulator.state.json_schema import Document, DocumentError
from ghcr_emulator.state.secret_files import SecretFileError, read_secret
from ghcr_emulator.state.world_file import World, read_world
from ghcr_emulator.state.yaml_schema import BlockError

_LAST_PORT: Final = 65535


class ConfigError(Exception):
    """One sentence on what is wrong with the folder, and in which file."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Addresses, each with the value it has in the container, and the assumptions."""

    front_host: str = "0.0.0.0"  # noqa: S104  # the cluster comes in from outside
    front_port: int = 443
    control_host: str = "0.0.0.0"  # noqa: S104  # so does the lab; the secret guards it
    control_port: int = 8080
    knobs: Knobs = field(default_factory=Knobs)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything needed to start."""

    certificate: Path
    key: Path
    secret: str
    settings: Settings
    world: World | None = None

    def __repr__(self) -> str:
        """Leave the secret out."""
        return f"Config({self.certificate}, {self.settings})"


def read_config(folder: Path) -> Config:
    """Read and check the folder; raises ConfigError."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    _check_pair(certificate, key)
    try:
        secret = read_secret(folder / "control.secret")
    except SecretFileError as error:
        raise ConfigError(str(error)) from error
    settings, people = _read_settings(folder / "settings.json"), folder / "people.yaml"
    return Config(certificate, key, secret, settings, read_people(people))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _check_pair(certificate: Path, key: Path) -> None:
    for path in (certificate, key):
        _read(path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise ConfigError(
            f"{certificate} and {key} are no PEM certificate and its key: {error.reason}"
        ) from error


def read_people(path: Path) -> World | None:
    """Read a world file, which need not be there; raises ConfigError."""
    if not path.exists():
        return None
    try:
        # The lab may have put a link here, and token files lie beside the file itself.
        return read_world(_read(path), str(path.resolve()), path.resolve().parent)
    except BlockError as error:
        raise ConfigError(str(error)) from error


def _read_settings(path: Path) -> Settings:
    default = Settings()
    if not path.exists():
        return default
    try:
        document = Document(_read(path), [one.name for one in fields(Settings)])
        return Settings(
            front_host=document.text("front_host", default.front_host),
            front_port=_port(document, "front_port", default.front_port),
            control_host=document.text("control_host", default.control_host),
            control_port=_port(document, "control_port", default.control_port),
            knobs=set_knobs(document.fields("knobs")),
        )
    except (DocumentError, KnobError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _port(document: Document, key: str, default: int) -> int:
    port = document.number(key, default)
    if not 0 < port <= _LAST_PORT:
        raise DocumentError(f"{key!r} must be a port, 1 to {_LAST_PORT}")
    return port
