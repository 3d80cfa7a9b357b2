"""Check that each printed fix is one shell command, whatever characters its names contain."""

import os
import subprocess
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path

import pytest

from fixtures.scenario.suggested_commands import command_of
from pullrecovery.diagnosis.fix_text import make_secret, refresh_secret
from pullrecovery.diagnosis.workflow import run_command
from pullrecovery.model.not_observed import NotObserved
from pullrecovery.model.target import Target
from pullrecovery.tasks import judge
from tests.fakes.recorded import GOOD
from tests.fakes.situations import SUBJECTS

PROGRAMS = ("argocd", "crictl", "docker", "gh", "git", "helm", "jq", "kubectl")
ODD = {
    "semicolon": "; touch canary #",
    "substitution": "$(touch canary)",
    "backquotes": "`touch canary`",
    "single quote": "'; touch canary; '",
    "double quote": '"; touch canary; "',
    "pipe": " | touch canary",
    "line break": "\ntouch canary\n",
}
SITUATIONS = [
    pytest.param(seen, id=f"{subject}-{name}")
    for subject, situations in SUBJECTS.items()
    for name, seen in situations.items()
]


def _or_good(seen, part):
    """Return a part, or that of a healthy workload if it was not observed."""
    value = getattr(seen, part)
    return getattr(GOOD, part) if isinstance(value, NotObserved) else value


def _names(seen):
    """Return the names in an observation that come from a target's files or its cluster."""
    target, workload = seen.target, seen.workload
    deployment, secret = _or_good(seen, "deployment"), _or_good(seen, "secret")
    pods = [pod.name for pod in _or_good(seen, "pods")]
    containers = [container.name for pod in _or_good(seen, "pods") for container in pod.containers]
    application = getattr(seen.application, "name", "")
    own = [target.pull_secret, target.login, target.workflow.branch, workload.name]
    own += [workload.namespace, deployment.name, deployment.service_account, application]
    return {*own, *pods, *containers, *secret.other_names} - {""}


def _spoilt(node, names, odd):
    """Return the observation with `odd` appended to each of the names."""
    if isinstance(node, str) and not isinstance(node, Enum):
        return f"{node}{odd}" if node in names else node
    if isinstance(node, tuple) and type(node) is tuple:
        return tuple(_spoilt(each, names, odd) for each in node)
    if is_dataclass(node) and not isinstance(node, type):
        changes = {
            each.name: _spoilt(getattr(node, each.name), names, odd)
            for each in fields(node)
            if each.init
        }
        return replace(node, **changes)
    return node


@pytest.fixture
def ran(tmp_path):
    """Run a command with harmless programs, and return whether it did anything else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in PROGRAMS:
        (folder / program).write_text("#!/bin/sh\nexit 0\n")
        (folder / program).chmod(0o755)
    environment = {"PATH": f"{folder}:{os.defpath}", "HOME": str(tmp_path)}

    def run(command):
        subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, check=False, capture_output=True
        )
        return Path(tmp_path, "canary").exists()

    return run


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("make", [make_secret, refresh_secret])
def test_secret_command_runs_no_part_of_a_name(ran, make, odd):
    """The names are the target's login and registry, and the Secret and its namespace."""
    seen = next(iter(next(iter(SUBJECTS.values())).values()))
    target = replace(seen.target, login=f"me{odd}", registry=f"ghcr.io{odd}")

    assert not ran(make(target, f"secret{odd}", f"dev{odd}"))


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_workflow_command_quotes_names(ran, odd):
    """The names are the workflow's file, repository and branch."""
    seen = next(iter(next(iter(SUBJECTS.values())).values()))
    workflow = replace(
        seen.target.workflow, path=f"w{odd}.yml", repository=f"a/b{odd}", branch=f"main{odd}"
    )
    target: Target = replace(seen.target, workflow=replace(workflow, dispatch=True))

    assert not ran(run_command(target))


@pytest.mark.parametrize("seen", SITUATIONS)
def test_fix_runs_no_part_of_a_name(ran, seen):
    """Names from a cluster are untrusted, in the fix of every cause."""
    for odd in ODD.values():
        spoilt = _spoilt(seen, _names(seen), odd)
        for verdict in judge(spoilt).values():
            for one in verdict.named:
                command = command_of(one)
                assert not (command and ran(command)), (one.cause, command)


def test_command_that_is_not_quoted_is_found(ran):
    """The negative control of the tests above: an unquoted command is detected."""
    assert ran("kubectl -n dev get secret x; touch canary #")
