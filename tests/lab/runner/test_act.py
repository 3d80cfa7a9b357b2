"""Runs of the workflow in the runner: the input of act, and the parser of its output."""

import json
import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from pullrecovery.common.errors import LabError, UsageError
from pullrecovery.common.process import CommandError
from pullrecovery.common.redaction import redact
from pullrecovery.common.suite_files import SUITE_ROOT as PROJECT
from pullrecovery.lab.runner import act as workflow_runs
from pullrecovery.lab.runner.act import LabWorkflows
from pullrecovery.model.probe import CommandResult
from pullrecovery.model.workflow_file import DISPATCH, PUSH, Event, WorkflowFile
from pullrecovery.model.workflow_run import DockerCall, LintFinding, Pushed
from pullrecovery.monorepo.actionlint import Actionlint
from pullrecovery.monorepo.target_yaml import load_target
from tests.fakes.recorded import COMMIT, DIGEST, WORKFLOW

DOCKER = Path(workflow_runs.__file__).parent / "workflow_files" / "docker"
TARGET = load_target(PROJECT / "sample")
CHANGE = Event(PUSH, "refs/heads/main", ("apps/frontend/.revision",))
PUSHED = f"\x1b[1A\x1b[2K7a33e8: Pushed \x1b[2B{COMMIT}: digest: {DIGEST} size: 736\n"


def _line(step, msg="", **more):
    named = {"job": "CI/hosting-monorepo-1", "jobID": "images", "stage": "Main", "stepID": [step]}
    return json.dumps({**named, "step": f"Step {step}", "msg": msg, **more})


GREEN = "\n".join(
    [
        COMMIT,
        '{"level":"info","msg":"Using docker host"}',
        _line("3", "  Success", stepResult="success"),
        _line("4", PUSHED, raw_output=True),
        _line("4", "  Success", stepResult="success"),
    ]
)
RED = "\n".join(
    [
        COMMIT,
        _line("4", "The push refers to repository [x]\n", raw_output=True),
        _line("4", "denied: permission_denied: write_package\n", raw_output=True),
        _line("4", "  Failure", stepResult="failure"),
        "Error: Job 'images' failed",
    ]
)


class Runner:
    """A fake runner that answers with act's output, and records its input."""

    def __init__(self, stdout="", rc=0):
        self.stdout, self.rc = stdout, rc
        self.command, self.files = "", {}

    def run(self, commands, *, files):
        (self.command,), self.files = commands, files
        return (CommandResult(self.command, self.rc, self.stdout, "no space left on device"),)


class Control:
    """A fake control API that records the tokens of runs and their end."""

    def __init__(self):
        self.put = []

    def put_run_token(self, name, token, repository, level, **state):
        self.put.append((name, token, repository, level, state))


def _play(runner, file=WORKFLOW, event=CHANGE):
    control = Control()
    return LabWorkflows(runner, control).play(TARGET, file, event, "write"), control


def test_run_has_whole_target():
    """Untracked files in the target's directory are omitted."""
    runner = Runner(GREEN)
    file = WorkflowFile(WORKFLOW.text.replace("name: CI", "name: Another"))

    _play(runner, file)

    assert runner.files["repo/.github/workflows/ci.yml"].startswith(b"name: Another")
    assert "repo/apps/frontend/Dockerfile" in runner.files
    assert not [name for name in runner.files if "node_modules" in name]
    assert "ubuntu-latest=-self-hosted" in runner.command
    assert " ByteQuester/hosting-monorepo main '' push .github/workflows/ci.yml " in runner.command


@pytest.mark.parametrize("ask", ["play", "rehearse"])
def test_outward_link_reaches_no_runner(tmp_path, ask):
    """A step of the workflow could print any file of this machine."""
    runner = Runner(GREEN)
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "secret").symlink_to("/etc/hostname")
    workflows = LabWorkflows(runner, Control())
    more = {"play": ("write",), "rehearse": ()}[ask]

    with pytest.raises(UsageError, match=r"^apps/secret in .* is a symbolic link to '/etc/host"):
        getattr(workflows, ask)(replace(TARGET, root=tmp_path), WORKFLOW, CHANGE, *more)

    assert runner.files == {}


def test_matrix_run_is_filtered():
    """The filter is act's own option."""
    runner = Runner(GREEN)

    LabWorkflows(runner, Control()).play(TARGET, WORKFLOW, CHANGE, "write", "image:backend")

    assert runner.command.endswith(" --matrix image:backend")


def test_run_token_is_revoked_afterwards():
    """The token is never in a command, which every process list shows."""
    runner = Runner(GREEN)

    _, control = _play(runner)

    (name, token, repository, level, state), ended = control.put
    assert (repository, level, state) == ("ByteQuester/hosting-monorepo", "write", {})
    assert ended == (name, token, repository, level, {"expired": True})
    assert runner.files["secrets"] == f"GITHUB_TOKEN={token}\n".encode()
    assert token not in runner.command
    assert token not in redact(token)


def test_run_token_is_revoked_after_crash():
    """A token that outlives its run is a leak."""
    control = Control()

    class Broken:
        def run(self, *_, **__):
            raise LabError("the runner is gone")

    with pytest.raises(LabError):
        LabWorkflows(Broken(), control).play(TARGET, WORKFLOW, CHANGE, "read")
    assert control.put[-1][-1] == {"expired": True}


def test_run_that_pushed_says_what():
    """The digest comes from docker's last line, after its progress bars."""
    played, _ = _play(Runner(GREEN))

    assert played.succeeded
    assert played.sha == COMMIT
    assert played.pushed == (Pushed(COMMIT, DIGEST),)
    assert played.said == "the run succeeded"
    assert played.log.splitlines()[0] == "Using docker host"
    assert "\x1b" not in played.log


def test_failed_run_names_step():
    """The last line of the step's output is the client's own error."""
    played, _ = _play(Runner(RED, rc=1))

    assert not played.succeeded
    assert played.said == "step 'Step 4' failed: denied: permission_denied: write_package"
    assert played.failed_step.step == 4
    assert "Error: Job 'images' failed" in played.log


def test_event_that_starts_no_run_starts_none():
    """GitHub would start no run, whatever act does."""
    runner = Runner(GREEN)
    file = WorkflowFile(WORKFLOW.text.replace("  workflow_dispatch:\n", ""))

    played, control = _play(runner, file, Event(DISPATCH, "refs/heads/main"))

    assert played.said.startswith("no run for workflow_dispatch of refs/heads/main: it is not")
    assert (runner.command, control.put) == ("", [])


def test_release_is_a_tag_that_is_pushed():
    """Act runs on the tag, and not on the branch."""
    runner = Runner(GREEN)

    _play(runner, event=Event(PUSH, "refs/tags/v1.0.0"))

    assert " main v1.0.0 push " in runner.command


def test_missing_clone_is_lab_error():
    """A missing clone says nothing about the workflow."""
    with pytest.raises(LabError, match="no space left on device"):
        _play(Runner("", rc=2))


def test_foreign_action_is_stubbed():
    """The output marks the stub; a checkout is act's own."""
    runner = Runner(GREEN)
    login = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"
    file = WorkflowFile(f"{WORKFLOW.text}      - uses: docker/login-action@v3\n")

    played, _ = _play(runner, file)

    assert played.stubs == ("docker/login-action@v3",)
    given = "--local-repository docker/login-action@v3=../actions/docker/login-action"
    assert given in runner.command
    assert b"--password-stdin" in runner.files["actions/docker/login-action/action.yml"]
    assert login not in runner.command


def test_foreign_checkout_is_stubbed():
    """Act's checkout takes the current commit; the other repository's content is beside it."""
    runner = Runner(GREEN)
    other = "actions/checkout@v4\n        with: {repository: owner/suite}"
    file = WorkflowFile(f"{WORKFLOW.text}      - uses: {other}\n")
    more = {"repositories/owner/suite/Makefile": b"all:", "secrets": b"MORE=1\n"}

    played = LabWorkflows(runner, Control()).play(TARGET, file, CHANGE, "write", more=more)

    assert "actions/checkout@v4" in played.stubs
    assert "actions/checkout@v4=../actions/actions/checkout" in runner.command
    assert runner.files["repositories/owner/suite/Makefile"] == b"all:"
    first, *rest = runner.files["secrets"].decode().splitlines()
    assert (first.startswith("GITHUB_TOKEN=ghs_"), rest) == (True, ["MORE=1"])


def test_unknown_action_cannot_run():
    """A rehearsal and a run report the unknown action."""
    file = WorkflowFile(f"{WORKFLOW.text}      - uses: docker/metadata-action@v5\n")
    runner = Runner(GREEN)

    rehearsal = LabWorkflows(runner, Control()).rehearse(TARGET, file, CHANGE)

    assert rehearsal.failed == "no stub for docker/metadata-action@v5"
    with pytest.raises(LabError, match="metadata-action"):
        _play(runner, file)


def _called(*words, job, step):
    """Return the docker calls that a rehearsal records."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "calls")
        known = {"GITHUB_JOB": job, "GITHUB_ACTION": step, "REHEARSED": str(file)}
        subprocess.run(["bash", DOCKER, *words], env={**os.environ, **known}, check=True)
        return file.read_text()


def test_rehearsal_has_docker_calls_without_token():
    """Calls of a step without a known number are recorded too."""
    rows = [
        _called("push", "r/x:1", job="images", step="4"),
        _called("info", job="images", step="__run"),
    ]
    runner = Runner("\n".join([RED, *rows]), rc=1)
    control = Control()

    rehearsal = LabWorkflows(runner, control).rehearse(TARGET, WORKFLOW, CHANGE)

    assert rehearsal.sha == COMMIT
    assert rehearsal.calls == (
        DockerCall("images", 4, ("push", "r/x:1")),
        DockerCall("images", -1, ("info",)),
    )
    assert rehearsal.failed == "step 'Step 4'"
    assert control.put == []
    assert runner.files["secrets"] == b"GITHUB_TOKEN=rehearsal\n"
    assert "rehearsal/docker" in runner.files


@pytest.mark.parametrize(
    ("code", "output", "found"),
    [
        (0, "[]", ()),
        (1, '[{"line":12,"kind":"permissions","message":"no"}]', "one"),
    ],
)
def test_findings_of_actionlint_are_read(tmp_path, monkeypatch, code, output, found):
    """Actionlint exits with 1 where it has findings."""
    # Other tests may have registered a number as a secret.
    monkeypatch.setattr("pullrecovery.common.redaction._known", set())
    program = tmp_path / "actionlint"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{output}'\nexit {code}\n")
    program.chmod(0o755)

    findings = Actionlint(program).check("on: push\n")

    assert findings == (found and (LintFinding(12, "permissions", "no"),))


def test_crashed_actionlint_finds_nothing(tmp_path):
    """Another exit code than 1 is an error of actionlint."""
    program = tmp_path / "actionlint"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)

    with pytest.raises(CommandError):
        Actionlint(program).check("on: push\n")


@pytest.mark.parametrize("name", ["play", "docker"])
def test_scripts_of_the_runner_are_bash(name):
    """The scripts are copied as files, and not run here."""
    script = PROJECT / "pullrecovery/lab/runner/workflow_files" / name

    checked = subprocess.run(["bash", "-n", str(script)], check=False, capture_output=True)

    assert (checked.returncode, checked.stderr) == (0, b"")


def test_event_has_name_and_ref():
    """Reports show this text."""
    assert str(CHANGE) == "push of refs/heads/main"
