"""The stand-in for ghcr.io alone: no cluster, no container engine, until it is interrupted."""

import asyncio
import secrets
import string
import tempfile
from collections.abc import Callable
from pathlib import Path

from pullrecovery.common.errors import LabError
from pullrecovery.common.redaction import protect
from pullrecovery.lab.paths import Paths
from pullrecovery.lab.registry.connect_proxy import connect_proxy
from pullrecovery.lab.registry.container import NAMES
from pullrecovery.lab.registry.loopback import Front, running_front
from pullrecovery.lab.tools.golang import find_go
from pullrecovery.lab.tools.toolchain import DISTRIBUTION, Toolchain

# Somebody with a private package, for those who bring no world file of their own.
_WORLD = """\
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
_HOW = """\
ghcr.io is here until Ctrl-C, and keeps nothing. In another shell:
  export HTTPS_PROXY={proxy} SSL_CERT_FILE={ca}
  crane ls ghcr.io/OWNER/PACKAGE        # or helm, oras, skopeo, curl: with the names of production
{token}control API: http://127.0.0.1:{control}, Authorization: Bearer with what is in {secret}
access log: {log}
"""
_TOKEN = """\
  crane auth login ghcr.io -u ByteQuester --password-stdin < {file}
  crane ls ghcr.io/bytequester/app      # private, and still empty
"""


def serve_alone(paths: Paths, people: Path | None, say: Callable[[str], None]) -> None:
    """Serve until interrupted; `people` is a world file, else there is one login and one package.

    Raises LabError where the file is not there, or is not taken.
    """
    if people is not None and not people.is_file():
        raise LabError(f"There is no world file {people}.")
    tools = Toolchain(paths, find_go(paths))
    tools.build([DISTRIBUTION], say)
    with tempfile.TemporaryDirectory(prefix="pull-recovery-ghcr-") as scratch:
        folder = Path(scratch)
        world = people or _make_world(folder)
        registry = tools.binary(DISTRIBUTION, "registry")
        with running_front(registry, folder / "front", world) as front:
            token = "" if people else _TOKEN.format(file=folder / "token")
            asyncio.run(_lead_there(front, folder / "front", token, say))


def _make_world(folder: Path) -> Path:
    """Write a world file and its token, which only this user can read."""
    letters = string.ascii_letters + string.digits
    token = protect("ghp_" + "".join(secrets.choice(letters) for _ in range(36)))
    (folder / "token").touch(mode=0o600)
    (folder / "token").write_text(token)
    world = folder / "people.yaml"
    world.write_text(_WORLD)
    return world


async def _lead_there(front: Front, folder: Path, token: str, say: Callable[[str], None]) -> None:
    """Have a proxy of this process lead GitHub's names to the front, and say how it is used."""
    there = front.stand_in
    async with connect_proxy({f"{name}:443": there.https_port for name in NAMES}) as proxy:
        how = _HOW.format(
            proxy=proxy.url,
            ca=there.ca_file,
            token=token,
            control=there.control_port,
            secret=folder / "control.secret",
            log=front.output,
        )
        say(how.rstrip())
        await asyncio.Event().wait()
