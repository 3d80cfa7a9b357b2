"""The emulator for one shell: it creates what it needs, prints its usage, and runs until Ctrl-C.

It needs neither a container engine nor Go, and listens only on ports of the loopback.
"""

import asyncio
import secrets
import string
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ghcr_emulator.access_log.log import AccessLog
from ghcr_emulator.certificates import issue_certificate
from ghcr_emulator.connect_proxy import connect_proxy
from ghcr_emulator.emulator import listening, running_emulator, stop_by_signal, watch
from ghcr_emulator.protocol import hosts
from ghcr_emulator.state.config import Config, ConfigError, Settings, read_world_file
from ghcr_emulator.state.secret_files import write_private
from ghcr_emulator.storage.location import Location

_LOOPBACK: Final = "127.0.0.1"

# A login with a private package, for users without a world file.
_WORLD: Final = """\
users:
  ByteQuester:
packages:
  bytequester/app:
    visibility: private
    writers: [ByteQuester]
tokens:
  bytequester:
    login: ByteQuester
    scopes: ["read:packages", "write:packages"]
    token_file: token
"""
_HOW: Final = """\
ghcr.io is here until Ctrl-C. {kept} In another shell:
  export HTTPS_PROXY={proxy} SSL_CERT_FILE={ca}
  crane ls ghcr.io/OWNER/PACKAGE        # or helm, oras, skopeo, curl: with the names of production
{token}control API: http://127.0.0.1:{control}, Authorization: Bearer with what is in {secret}
access log: {log}"""
_TOKEN: Final = """\
  crane auth login ghcr.io -u ByteQuester --password-stdin < {file}
  crane append -f FILE.tar -t ghcr.io/bytequester/app:v1   # a private package of that login
"""


@dataclass(frozen=True)
class _Folder:
    """The files of one run, which are deleted at its end."""

    path: Path

    @property
    def token(self) -> Path:
        return self.path / "token"

    @property
    def secret(self) -> Path:
        return self.path / "control.secret"

    @property
    def log(self) -> Path:
        return self.path / "access.log"


def serve_standalone(accounts: Path | None, location: Location, say: Callable[[str], None]) -> int:
    """Serve until SIGINT or SIGTERM, and return the exit code.

    `accounts` is a world file; without one there is one login with one private package. `say` gets
    the lines of the usage. Raises ConfigError where the file is missing or wrong, StorageError
    where the storage cannot be used, OSError where the ports of the loopback cannot.
    """
    if accounts is not None and not accounts.is_file():
        raise ConfigError(f"There is no world file {accounts}.")
    with tempfile.TemporaryDirectory(prefix="ghcr-emulator-") as scratch:
        folder = _Folder(Path(scratch))
        config = _config(folder, accounts)
        how = partial(
            _HOW.format,
            kept="Its images stay." if location.keeps else "It keeps nothing.",
            token="" if accounts else _TOKEN.format(file=folder.token),
            ca=folder.path / "ca.crt",
            secret=folder.secret,
            log=folder.log,
        )
        return asyncio.run(_serve(folder.log, config, location, lambda **at: say(how(**at))))


def _config(folder: _Folder, accounts: Path | None) -> Config:
    """Write certificates, secret and where needed a world; return the emulator's configuration."""
    certificate = issue_certificate(folder.path)
    secret = secrets.token_urlsafe(32)
    write_private(folder.secret, secret.encode())
    world = read_world_file(accounts or _write_world(folder))
    return Config(certificate.chain_file, certificate.key_file, secret, Settings(), world)


def _write_world(folder: _Folder) -> Path:
    """Write a world file and its token, which only this user can read."""
    letters = string.ascii_letters + string.digits
    token = "ghp_" + "".join(secrets.choice(letters) for _ in range(36))
    write_private(folder.token, token.encode())
    world = folder.path / "accounts.yaml"
    world.write_text(_WORLD)
    return world


async def _serve(
    log_file: Path, config: Config, location: Location, ready: Callable[..., None]
) -> int:
    """Run the emulator, and a proxy that maps GitHub's names to it.

    `ready` is called with the proxy's URL and the control port when both answer.
    """
    stop = stop_by_signal()
    async with AsyncExitStack() as stack:
        written = stack.enter_context(log_file.open("w", buffering=1))
        log = AccessLog(sink=lambda line: print(line, file=written))
        listeners = stack.enter_context(listening((_LOOPBACK, 0), (_LOOPBACK, 0)))
        running = running_emulator(config, location, listeners, log)
        storage = await stack.enter_async_context(running)
        https, control = listeners.ports
        ways = {f"{name}:443": https for name in hosts.NAMES}
        proxy = await stack.enter_async_context(connect_proxy(ways))
        ready(proxy=proxy.url, control=control)
        return await watch(storage, stop)
