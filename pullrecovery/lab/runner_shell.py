"""The one way into the runner: testinfra's docker back end, a case at a time."""

import secrets
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

import testinfra
from docker.models.containers import Container
from testinfra.host import Host

from pullrecovery.errors import LabError
from pullrecovery.lab.archive import archive
from pullrecovery.lab.environment import applied
from pullrecovery.observation import Credential, Ran
from pullrecovery.redaction import protect, redact

# In memory: a token lies there for as long as its case runs, and so do the logins made with it.
CASES = "/run/cases"


class RunnerShell:
    """Runs commands in the runner, each case as if nobody had ever logged in.

    A token goes in as a file of root's that is gone when the case is over: testinfra
    makes the command an argument of `docker exec`, where every process list shows it.
    """

    def __init__(self, container: Container, engine_host: str) -> None:
        self._container = container
        self._engine_host = engine_host
        self._host: Host | None = None

    def run(
        self,
        commands: Sequence[str],
        *,
        first: Sequence[str] = (),
        credential: Credential | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> tuple[Ran, ...]:
        """Run `first` (shell text) in turn, then `commands` side by side, whatever becomes of any.

        They are started in a folder that holds `files` (relative path → content), and find the
        token of `credential` in the file that $TOKEN_FILE names, and a DOCKER_CONFIG with no login
        in it. Raises LabError where the runner itself fails.
        """
        every = (*first, *commands)
        case = secrets.token_hex(8)
        folder = f"{CASES}/{case}"
        given = {f"{case}/{name}": content for name, content in (files or {}).items()}
        if credential:
            given[f"{case}/token"] = protect(credential.token).encode()
        self._container.put_archive(CASES, archive({f"{case}/": b"", **given}, folder_mode=0o700))
        try:
            what = "run-case %s %s" + " %s" * len(every)
            done = self._run(what, folder, str(len(first)), *every)
        except BaseException:
            # run-case removes it itself, if it was ever started.
            self._run("rm -rf %s", folder)
            raise
        lines = done.stdout.split("\n")[:-1]
        if done.rc != 0 or len(lines) != len(every):
            said = redact(done.stderr.strip() or done.stdout.strip())
            raise LabError(f"The runner could not run its commands ({done.rc}): {said}")
        return tuple(map(_ran, every, lines))

    def answers(self) -> bool:
        """Whether its own engine answers."""
        asked = self._run("docker version --format '{{.Server.Version}}'")
        return bool(asked.rc == 0 and asked.stdout.strip())

    def _run(self, command: str, *arguments: str) -> Any:
        """Run one command by testinfra; its `rc`, `stdout` and `stderr`."""
        # The back end runs the docker client, which learns of the engine from its environment.
        with applied({"DOCKER_HOST": self._engine_host}):
            self._host = self._host or testinfra.get_host(f"docker://{self._container.name}")
            return self._host.run(command, *arguments)


def _ran(command: str, line: str) -> Ran:
    rc, *printed = line.split(":")
    out, err = (redact(b64decode(each).decode(errors="replace")) for each in printed)
    return Ran(command=command, rc=int(rc), stdout=out, stderr=err)
