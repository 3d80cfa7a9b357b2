"""Run the target's workflow with act in the runner, as a rehearsal or with pushes to the lab.

GitHub does not take part: `workflow_file.py` decides whether an event starts a run, and the stubs
in `workflow_files/actions` replace actions of other repositories.
"""

import json
import os
import re
import secrets
import string
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from pullrecovery.common.errors import LabError
from pullrecovery.common.files_below import MADE_BY_NPM, files_below
from pullrecovery.common.redaction import protect
from pullrecovery.lab.registry.client import Control
from pullrecovery.lab.runner.shell import RunnerShell
from pullrecovery.model.probe import CommandResult
from pullrecovery.model.target import Target
from pullrecovery.model.workflow_file import TAGS, Event, WorkflowFile, is_checkout
from pullrecovery.model.workflow_run import DockerCall, Pushed, Rehearsal, StepLog, WorkflowEvent

_FILES = Path(__file__).parent / "workflow_files"
_ACTIONS = _FILES / "actions"
# Large directories that no workflow for images reads.
_LEFT_OUT = MADE_BY_NPM | {".git", ".venv"}
_USUAL_LABELS = ("ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04")
_PUSHED = re.compile(r"(\S+): digest: (sha256:[0-9a-f]{64}) size: \d+")
# Cursor movements of docker's progress.
_ESCAPES = re.compile(r"\x1b\[\d*[A-Z]")
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class LabRehearsals:
    """Rehearse workflows in the lab's runner, each in its own scratch clone."""

    runner: RunnerShell

    def rehearse(self, target: Target, file: WorkflowFile, event: Event) -> Rehearsal:
        """Run the workflow with a docker that only records its arguments; nothing is pushed."""
        unknown = _unknown_actions(file)
        if unknown:
            return Rehearsal("", (), f"no stub for {', '.join(unknown)}")
        shim = {"rehearsal/docker": (_FILES / "docker").read_bytes()}
        ran = self._run(target, file, event, "rehearsal", shim)
        sha, rows = _read(ran)
        failed = next((step for step in _steps(rows) if step.result == "failure"), None)
        return Rehearsal(sha, tuple(_calls(rows)), f"step {failed.name!r}" if failed else "")

    def _run(
        self,
        target: Target,
        file: WorkflowFile,
        event: Event,
        token: str,
        more: Mapping[str, bytes],
        entry: str = "",
    ) -> CommandResult:
        workflow = target.workflow
        checkout = _checkout(target.root)
        files = {f"repo/{name}": path.read_bytes() for name, path in checkout.items()}
        executables = (name for name, path in checkout.items() if os.access(path, os.X_OK))
        files["executables"] = "".join(f"{name}\n" for name in executables).encode()
        files[f"repo/{workflow.path}"] = file.text.encode()
        files["play"] = (_FILES / "play").read_bytes()
        files |= {**_actions(), "variables": b"", **more}
        files["secrets"] = f"GITHUB_TOKEN={token}\n".encode() + more.get("secrets", b"")
        release = event.ref.removeprefix(TAGS) if event.ref.startswith(TAGS) else ""
        arguments = [workflow.repository, workflow.branch, release, event.name, workflow.path]
        arguments += [workflow.change, target.login, *_options(file)]
        arguments += ["--matrix", entry] if entry else []
        (ran,) = self.runner.run([f"bash play {' '.join(map(quote, arguments))}"], files=files)
        return ran


@dataclass(frozen=True)
class LabWorkflows(LabRehearsals):
    """Rehearse workflows, and also run them completely, pushing to the lab's ghcr.io."""

    control: Control

    def play(
        self,
        target: Target,
        file: WorkflowFile,
        event: Event,
        level: str,
        entry: str = "",
        more: Mapping[str, bytes] | None = None,
    ) -> WorkflowEvent:
        """Run the workflow as GitHub would for `event`, with a new GITHUB_TOKEN.

        The token expires after the run. `level` is the token's permission on packages: `none`,
        `read` or `write`. `entry` (`key:value`) selects one entry of the jobs whose matrix has it.
        `more` are files beside the repository: programs of `rehearsal/` come first on the PATH,
        `repositories/OWNER/NAME/` is what a checkout of that repository returns, and `secrets` and
        `variables` are the repository's, one NAME=VALUE a line.
        """
        refused = file.refusal(event)
        if refused:
            return WorkflowEvent(event, refused=refused)
        unknown = _unknown_actions(file)
        if unknown:
            raise LabError(f"The lab has no stub for {', '.join(unknown)}.")
        name = f"run-{secrets.token_hex(4)}"
        token = protect("ghs_" + "".join(secrets.choice(_ALPHABET) for _ in range(36)))
        repository = target.workflow.repository
        self.control.put_run_token(name, token, repository, level)
        try:
            ran = self._run(target, file, event, token, more or {}, entry)
        finally:
            self.control.put_run_token(name, token, repository, level, expired=True)
        sha, rows = _read(ran)
        steps = tuple(_steps(rows))
        pushed = tuple(found for step in steps for found in _pushes(step.output))
        log = "\n".join(_lines(rows))
        return WorkflowEvent(event, sha, "", ran.rc == 0, steps, pushed, _stubs(file), log)


def _checkout(root: Path) -> dict[str, Path]:
    """Return the files of the target by their path; raises UsageError for a link that leaves it."""
    return {str(path.relative_to(root)): path for path in files_below(root, _LEFT_OUT)}


def _actions() -> dict[str, bytes]:
    return {
        f"actions/{path.relative_to(_ACTIONS)}": path.read_bytes()
        for path in _ACTIONS.rglob("action.yml")
    }


def _options(file: WorkflowFile) -> list[str]:
    """Return act's options: every label is the runner itself, and every action is a stub."""
    labels = [part for label in _labels(file) for part in ("-P", f"{label}=-self-hosted")]
    # A path that act resolves from the repository, in which it is started.
    own = (f"{uses}=../actions/{uses.partition('@')[0]}" for uses in _stubs(file))
    return [*labels, *(part for each in own for part in ("--local-repository", each))]


def _labels(file: WorkflowFile) -> tuple[str, ...]:
    """Return the labels in the file, and GitHub's usual ones for labels that are expressions."""
    named = (label for label in file.runners if "${{" not in label)
    return tuple(dict.fromkeys([*named, *_USUAL_LABELS]))


def _stubs(file: WorkflowFile) -> tuple[str, ...]:
    # act has its own checkout, which uses the existing commit and no other repository.
    own = not file.other_repositories
    return tuple(uses for uses in file.actions if not (own and is_checkout(uses)))


def _unknown_actions(file: WorkflowFile) -> list[str]:
    named = ((uses, uses.partition("@")[0]) for uses in _stubs(file))
    return [uses for uses, name in named if not (_ACTIONS / name / "action.yml").is_file()]


def _read(ran: CommandResult) -> tuple[str, list[dict[str, Any]]]:
    """Return the commit and act's lines; raises LabError if act was not started."""
    sha, _, rest = ran.stdout.partition("\n")
    if not re.fullmatch(r"[0-9a-f]{40}", sha):
        raise LabError(f"The runner made no scratch clone of the target: {ran.said}")
    return sha, [_row(line) for line in rest.splitlines() if line]


def _row(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    # act's last message on an error is plain text.
    return row if isinstance(row, dict) else {"msg": line}


def _calls(rows: list[dict[str, Any]]) -> Iterator[DockerCall]:
    for row in rows:
        if "called" in row:
            job, step, *words = b64decode(row["called"]).decode().split("\0")[:-1]
            yield DockerCall(job, int(step) if step.isdecimal() else -1, tuple(words))


def _steps(rows: list[dict[str, Any]]) -> Iterator[StepLog]:
    """Yield the steps of every job in their order, those of each matrix entry separately."""
    found: dict[tuple[str, str, str], StepLog] = {}
    for row in rows:
        numbers = row.get("stepID") or ()
        if not numbers:
            continue
        key = (str(row.get("job")), str(numbers[0]), str(row.get("stage")))
        job, name = str(row.get("jobID", "")), str(row.get("step", ""))
        number = int(numbers[0]) if str(numbers[0]).isdecimal() else -1
        seen = found.get(key, StepLog(job, number, name, "", ""))
        output = seen.output + (_plain(row["msg"]) if row.get("raw_output") else "")
        result = str(row.get("stepResult", seen.result)) if len(numbers) == 1 else seen.result
        found[key] = StepLog(job, number, seen.name, result, output)
    yield from found.values()


def _pushes(output: str) -> Iterator[Pushed]:
    for found in _PUSHED.finditer(output):
        yield Pushed(found[1], found[2])


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        if "msg" in row:
            job = str(row.get("job", "")).strip()
            text = _plain(str(row["msg"])).strip()
            yield from (f"[{job}] {line}" if job else line for line in text.splitlines())


def _plain(text: str) -> str:
    return _ESCAPES.sub("\n", text)
