"""Hostile targets whose code runs in the lab: each attempt is contained, and no secret is printed.

Rows that end before a lab is needed are in tests/hostile; fixtures/lab/hostile_rows.py has the
table of the others.
"""

import base64
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from fixtures.lab.canaries import contents
from fixtures.lab.hostile_gate import docs_files
from fixtures.lab.hostile_rows import LAB_ROWS, LEFT_ALONE, Reaches
from pullrecovery.common.suite_files import REPORTS
from pullrecovery.lab.registry.container import emulator_output
from pullrecovery.lab.runner.container import runner_output
from pullrecovery.lab.tools import toolchain
from pullrecovery.model.verdict import Cause

# The control API's secret, the keys of the faulty certificates, and the clients' keys.
_SECRET_FILES = ("control.secret", "faulty-certificates.json", "keys")


def _rows(reaches):
    rows = [row for row in LAB_ROWS if row.reaches is reaches]
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.name)


def _is_contained(row, outcome):
    assert re.fullmatch(row.outcomes, outcome), f"tried {row.attempt}: {outcome}"


@_rows(Reaches.STEP)
def test_workflow_step_is_contained(row, hostile_step):
    """A step of the target's workflow runs in the runner."""
    _is_contained(row, hostile_step.tried[row.attempt])


@_rows(Reaches.POD)
def test_pod_is_contained(row, hostile_pods):
    """The attempts run in a container of the release, and in its hook's Job."""
    run = hostile_pods[row.name.partition("-")[0]]

    _is_contained(row, run.tried[row.attempt])


@_rows(Reaches.BUILD)
def test_image_build_is_contained(row, hostile_build):
    """A command of the application's Dockerfile runs in a container of the engine."""
    _is_contained(row, hostile_build.tried[row.attempt])


@_rows(Reaches.HOST)
def test_template_is_contained(row, render):
    """Helm renders charts on this machine, with the functions that a template calls."""
    outcome = render(row.attempt)

    assert re.search(row.outcomes, outcome) if row.outcomes else outcome == ""


def test_values_file_with_a_comma_is_one_file(render, canaries):
    """Helm would read the path as a list of files, the second one a file of this machine."""
    values = json.loads(render.with_values(f"{canaries.home}/.docker/config.json"))

    assert values["own"] is True
    assert "auths" not in values
    assert "first" not in values


@_rows(Reaches.DOCS)
def test_docs_are_contained(row, judged_target, lab, canaries):
    """Docusaurus runs the site's configuration in a container of its own."""
    key, kubeconfig, engine = docs_files(lab, canaries)
    attempt = row.attempt.format(key=key, kubeconfig=kubeconfig, engine=engine)

    _is_contained(row, judged_target.docs.tried[attempt].split()[0])


def test_hostile_target_holds_for_every_cause(judged_target):
    """Helm does not render the target's chart, and its docs and its workflow fail."""
    assert judged_target.code == 1, judged_target.printed
    assert "Traceback" not in judged_target.printed
    failed = {(each["check"], each["cause"]) for each in judged_target.verdict["checks"]["failed"]}
    causes = {check: cause for check, cause in failed if check.startswith("frontend ")}
    assert causes["frontend REG-005"] == Cause.RENDER_FAILED
    assert {"frontend REG-002", "frontend REG-007"} <= causes.keys()
    assert "values.schema.json refers to 'file://" in judged_target.printed


def test_hostile_release_runs_in_sandbox(judged_release, lab_world):
    """A healthy release with hostile containers, which do not change the decision."""
    judged, digest = judged_release

    ended = {tier["name"]: tier["ended"] for tier in judged.verdict["tiers"]}
    assert ended == {"static": "passed", "registry": "passed", "lab": "passed"}, judged.printed
    assert lab_world.pulls(since=0, digest=digest)
    assert judged.code == 0


@pytest.mark.parametrize("tier", ["static", "lab"])
def test_gate_starts_listed_programs_only(
    tier, judged_target, judged_release, lab, record_property
):
    """No program of the judged commit starts on this machine; strace lists those that do."""
    judged = judged_target if tier == "static" else judged_release[0]
    record_property(f"hostile_gate_seconds_{tier}", judged.seconds)
    known = {
        Path(sys.executable),
        Path(shutil.which("git")),
        lab.helm(),
        lab.tools.binary(toolchain.ACTIONLINT),
    }

    assert judged.started == {Path(os.path.realpath(each)) for each in known}


@pytest.mark.parametrize("row", LEFT_ALONE, ids=lambda row: row.name)
def test_gate_leaves_what_is_not_the_labs(row, judged_target, somebody_elses):
    """The lab deletes no object without its label, whatever the object's name."""
    assert judged_target.code == 1

    assert somebody_elses[row.name.rpartition("-")[2]]()


def test_lab_secrets_are_readable_by_owner_only(lab):
    """Another user of the machine can read neither kubeconfig nor private keys nor the secret."""
    state = lab.paths.state
    secret = (lab.paths.kubeconfig, *(state / name for name in _SECRET_FILES))

    assert {file.name: oct(file.stat().st_mode & 0o077) for file in secret} == {
        file.name: "0o0" for file in secret
    }


def _encoded(value):
    content = value.encode()
    return b" ".join((content, base64.b64encode(content), content.hex().encode()))


@pytest.fixture(name="outputs")
def _outputs(
    judged_target,
    judged_release,
    hostile_step,
    hostile_build,
    hostile_pods,
    render,
    engine_client,
    lab,
    lab_world,
):
    """Return everything that the runs above printed, wrote and pushed."""
    render("{{ toJson .Values }}")
    written = contents([REPORTS, *lab.paths.state.glob("*.log")])
    pushed = contents([app.folder for app in lab_world.app_images.values()])
    containers = {
        "the emulator's output": emulator_output(engine_client),
        "the runner's output": runner_output(engine_client),
    }
    printed = (
        hostile_step.output
        | hostile_build.output
        | hostile_pods["pod"].output
        | hostile_pods["hook"].output
    )
    printed |= judged_target.output | judged_release[0].output
    return {**printed, **render.rendered, **written, **pushed, **containers}


def test_no_output_has_a_planted_value(outputs, canaries):
    """The search finds no planted value, although it finds each one when added to an output."""
    planted = b" ".join(map(_encoded, canaries.values.values()))
    found = set(canaries.found_in({name: each + planted for name, each in outputs.items()}))
    expected = {
        f"{place} in {name}, {encoding}"
        for place in canaries.values
        for name in outputs
        for encoding in ("plain", "base64", "hex")
    }
    assert expected <= found

    assert canaries.found_in(outputs) == []
