"""Run commands in the runner through the engine's API, one case at a time."""

import io
import secrets
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from docker.models.containers import Container

from pullrecovery.common.errors import LabError
from pullrecovery.common.redaction import protect, redact
from pullrecovery.lab.engine.containers import execute
from pullrecovery.lab.engine.tar_archive import archive
from pullrecovery.model.probe import CommandResult, Credential

# In memory: it contains a token and the logins made with it while a case runs.
CASES = "/run/cases"


class RunnerShell:
    """Run commands in the runner, each case without earlier logins.

    A token is passed by standard input, as root's file that is deleted after the case.
    """

    def __init__(self, container: Container) -> None:
        self._container = container

    def run(
        self,
        commands: Sequence[str],
        *,
        first: Sequence[str] = (),
        credential: Credential | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> tuple[CommandResult, ...]:
        """Run `first` (shell text) in order, then `commands` in parallel, even if one fails.

        They start in a directory that contains `files` (relative path → content). $TOKEN_FILE names
        a file with the token of `credential`, and DOCKER_CONFIG has no login. Raises LabError if
        the runner itself fails.
        """
        every = (*first, *commands)
        token = {"token": protect(credential.token).encode()} if credential else {}
        given = archive({**(files or {}), **token}, folder_mode=0o700)
        folder = f"{CASES}/{secrets.token_hex(8)}"
        start = ["run-case", folder, str(len(first)), str(len(given)), *every]
        done = execute(self._container, start, given)
        try:
            return _read(every, done.output)
        except (tarfile.TarError, KeyError, ValueError) as error:
            said = redact((done.errors or done.output).decode(errors="replace").strip())
            raise LabError(f"The runner could not run its commands: {said}") from error

    def install(self, program: Path, name: str) -> None:
        """Put a program on the runner's PATH as `name`, unless the same build is there.

        Directories of built programs are named by content, so another build has another directory.
        """
        place, link = f"opt/{program.parent.name}/{name}", f"usr/local/bin/{name}"
        if execute(self._container, ["readlink", f"/{link}"]).said == f"/{place}":
            return
        with TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                tar.add(program, place)
                # The link comes last, so that an interrupted copy is repeated.
                entry = tarfile.TarInfo(link)
                entry.type, entry.linkname = tarfile.SYMTYPE, f"/{place}"
                tar.addfile(entry)
            file.seek(0)
            self._container.put_archive("/", file)

    def answers(self) -> bool:
        """Return whether its own engine answers."""
        asked = execute(self._container, ["docker", "version", "--format", "{{.Server.Version}}"])
        return asked.exit_code == 0 and bool(asked.output.strip())


def _read(commands: Sequence[str], printed: bytes) -> tuple[CommandResult, ...]:
    """Return each command's result from the tar that run-case prints.

    Raises TarError, KeyError or ValueError if the tar is incomplete.
    """
    with tarfile.open(fileobj=io.BytesIO(printed)) as tar:
        files = {each.name: (tar.extractfile(each) or io.BytesIO()).read() for each in tar}
    texts = {name: content.decode(errors="replace") for name, content in files.items()}
    return tuple(
        CommandResult(
            command=command,
            rc=int(texts[f"{at}.rc"]),
            stdout=redact(texts[f"{at}.out"]),
            stderr=redact(texts[f"{at}.err"]),
        )
        for at, command in enumerate(commands)
    )
