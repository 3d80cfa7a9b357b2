"""The configuration of the emulator: a directory that the lab writes.

| file | content |
|---|---|
| tls.crt, tls.key | certificate (chain) and key of port 443, PEM |
| control.secret | the control port's secret, 16 characters or more, readable by its owner alone |
| settings.json | optional: any field of Settings, under its own name; `assumptions` is an object |
| accounts.yaml | optional: the world at the start (world_file.py) |
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from ghcr_emulator.documents.json_body import read_json
from ghcr_emulator.documents.model import Model, Text
from ghcr_emulator.documents.problems import DocumentError
from ghcr_emulator.state.assumptions import Assumptions
from ghcr_emulator.state.secret_files import SecretFileError, read_secret
from ghcr_emulator.state.world_file import WorldFile, read_world

_Port: TypeAlias = Annotated[int, Field(ge=1, le=65535)]


class ConfigError(Exception):
    """The configuration is wrong; the message is one sentence that names the file."""


class Settings(Model):
    """The addresses, each with its value in the container, and the assumptions."""

    called: ClassVar[str] = "configuration"
    registry_host: Text = "0.0.0.0"  # noqa: S104  # the cluster comes in from outside
    registry_port_tls: _Port = 443
    control_host: Text = "0.0.0.0"  # noqa: S104  # so does the lab; the secret guards it
    control_port: _Port = 8080
    assumptions: Assumptions = Assumptions()


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration of the emulator."""

    certificate: Path
    key: Path
    secret: str
    settings: Settings
    world: WorldFile | None = None

    def __repr__(self) -> str:
        """Return a text without the secret."""
        return f"Config({self.certificate}, {self.settings})"


def read_config(folder: Path) -> Config:
    """Read and check the directory; raises ConfigError."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    _check_pair(certificate, key)
    try:
        secret = read_secret(folder / "control.secret")
    except SecretFileError as error:
        raise ConfigError(str(error)) from error
    settings, accounts = _read_settings(folder / "settings.json"), folder / "accounts.yaml"
    return Config(certificate, key, secret, settings, read_world_file(accounts))


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


def read_world_file(path: Path) -> WorldFile | None:
    """Read a world file; None if it does not exist; raises ConfigError."""
    if not path.exists():
        return None
    try:
        # The lab may have put a link here; paths of token files begin at the link's target.
        return read_world(_read(path), str(path.resolve()), path.resolve().parent)
    except DocumentError as error:
        raise ConfigError(str(error)) from error


def _read_settings(path: Path) -> Settings:
    if not path.exists():
        return Settings()
    try:
        return read_json(_read(path), Settings)
    except DocumentError as error:
        raise ConfigError("\n".join(f"{path}: {line}" for line in str(error).split("\n"))) from None
