"""Answer docker and crane commands with requests of the suite's own registry client.

On a user's machine the suite runs no docker or crane, and there is no runner. Each result shows the
HTTP request instead of the command.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import split

from pullrecovery.common.errors import NotObservedError
from pullrecovery.model.image_reference import Reference, parse_reference
from pullrecovery.model.probe import CommandResult, Credential, Probe
from pullrecovery.registry.client import RegistryClient

_LOGIN = re.compile(r"docker login .* --password-stdin < \"\$TOKEN_FILE\"")
_INSPECT = re.compile(r"docker manifest inspect (?P<reference>.+) \| jq \.schemaVersion")
_CRANE = re.compile(r"crane (?P<verb>digest|manifest|config|ls) (?P<reference>.+)")


@dataclass(frozen=True)
class LiveClients:
    """The runner of the live world: it has no shell and answers only REG-001's commands."""

    registry: RegistryClient

    def run(
        self,
        commands: Sequence[str],
        *,
        first: Sequence[str] = (),
        credential: Credential | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> tuple[CommandResult, ...]:
        """Send the request of each command.

        Raises NotObservedError for a command it cannot answer.
        """
        if files:
            raise NotObservedError("The live world has no machine to put files on.")
        return tuple(self._ask(command, credential) for command in (*first, *commands))

    def _ask(self, command: str, credential: Credential | None) -> CommandResult:
        if _LOGIN.fullmatch(command) and credential:
            return self._login(credential)
        inspect, crane = _INSPECT.fullmatch(command), _CRANE.fullmatch(command)
        found = inspect or crane
        if found is None:
            raise NotObservedError(
                f"The live world runs no commands; this one was not asked: {command}"
            )
        asked = parse_reference(split(found["reference"])[0])
        if inspect:
            return self._schema_version(asked, credential)
        questions = {
            "digest": self._digest,
            "manifest": self._manifest,
            "config": self._config,
            "ls": self._tags,
        }
        return questions[found["verb"]](asked, credential)

    def _login(self, credential: Credential) -> CommandResult:
        probe = self.registry.login(credential)
        request = f"GET https://{self.registry.host}/token as {credential.login}"
        return _answered(request, probe, "Login Succeeded", well=probe.status == 200)

    def _schema_version(self, asked: Reference, credential: Credential | None) -> CommandResult:
        ran = self._manifest(asked, credential)
        if ran.rc != 0:
            return ran
        return CommandResult(ran.command, 0, str(_field(ran.stdout, "schemaVersion")), "")

    def _digest(self, asked: Reference, credential: Credential | None) -> CommandResult:
        path = _manifest_path(asked)
        probe, _ = self.registry.read(asked.path, path, credential)
        return _answered(self._request(asked, path), probe, probe.digest)

    def _manifest(self, asked: Reference, credential: Credential | None) -> CommandResult:
        path = _manifest_path(asked)
        probe, text = self.registry.read(asked.path, path, credential)
        return _answered(self._request(asked, path), probe, text)

    def _config(self, asked: Reference, credential: Credential | None) -> CommandResult:
        """Read the image's configuration; an index has none, and then no request is sent."""
        manifest = self._manifest(asked, credential)
        if manifest.rc != 0:
            return manifest
        config = _field(manifest.stdout, "config")
        if not isinstance(config, dict):
            return CommandResult(manifest.command, 0, "{}", "")
        path = f"/blobs/{config.get('digest')}"
        probe, text = self.registry.read(asked.path, path, credential)
        return _answered(self._request(asked, path), probe, text)

    def _tags(self, asked: Reference, credential: Credential | None) -> CommandResult:
        probe, tags = self.registry.all_tags(asked.path, credential)
        return _answered(self._request(asked, "/tags/list"), probe, "\n".join(tags))

    def _request(self, asked: Reference, path: str) -> str:
        return f"GET https://{self.registry.host}/v2/{asked.path}{path}"


def _manifest_path(asked: Reference) -> str:
    return f"/manifests/{asked.digest or asked.tag or 'latest'}"


def _field(document: str, name: str) -> object:
    try:
        return json.loads(document).get(name)
    except (ValueError, AttributeError, RecursionError):
        return None


def _answered(request: str, probe: Probe, shown: str, *, well: bool | None = None) -> CommandResult:
    """Return an answer as a client prints it: `code: message` if the request failed."""
    if probe.ok if well is None else well:
        return CommandResult(request, 0, shown, "")
    said = ": ".join(part for part in (probe.code.lower(), probe.message) if part)
    return CommandResult(request, 1, "", f"error: {said or probe.status}", met=probe.failure)
