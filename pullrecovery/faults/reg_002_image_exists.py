"""Faults of REG-002: a workflow that does not start, does not push, or lacks permission.

The wanted image exists meanwhile, from an earlier push: the fault breaks the next push.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace

from ruamel.yaml.comments import CommentedMap

from pullrecovery.faults.rows import Fault
from pullrecovery.faults.sandbox import Sandbox
from pullrecovery.faults.symptoms import ClientSymptom, RunOn, WorkflowSymptom, printed, run_shows
from pullrecovery.model.verdict import Cause
from pullrecovery.model.workflow_file import DISPATCH, PUSH, parse, render

_ALONE = frozenset({"REG-002"})
_GREEN_AND_NOTHING = r"^the run succeeded; \S+: .*(manifest|name) unknown"


def _text(pattern: str, replacement: str) -> Callable[[Sandbox], None]:
    """Break the text of the workflow."""
    return lambda sandbox: sandbox.workflow.edit(lambda text: re.sub(pattern, replacement, text))


def _document(spoil: Callable[[CommentedMap], object]) -> Callable[[Sandbox], None]:
    """Break the parsed document of the workflow."""

    def edit(text: str) -> str:
        document = parse(text)
        spoil(document)
        return render(document)

    return lambda sandbox: sandbox.workflow.edit(edit)


def _start_on_tags_alone(document: CommentedMap) -> None:
    document["on"][PUSH] = {"tags": ["v*"]}


def _forget_tags(document: CommentedMap) -> None:
    del document["on"][PUSH]["tags"]


def _forget_dispatch(document: CommentedMap) -> None:
    del document["on"][DISPATCH]


def _start_on_docs_alone(document: CommentedMap) -> None:
    document["on"][PUSH]["paths"] = ["docs/**"]


def _rename_image(sandbox: Sandbox) -> None:
    sandbox.push_as(f"{_name(sandbox)}-web")


def _unlink_package(sandbox: Sandbox) -> None:
    """Use a package that was created by hand, to which the repository has no access."""
    target, image = sandbox.lab_world.target, sandbox.workload.image
    name = f"{_name(sandbox)}-{secrets.token_hex(4)}"
    sandbox.push_as(name)
    own = replace(image, repository=f"{target.registry}/{target.owner}/{name}")
    people = [target.login]
    sandbox.lab_world.control.share_package(own.package, "private", people, people)
    sandbox.lab_world.publish(own, sandbox.workload.app)
    sandbox.workload = replace(sandbox.workload, image=own)
    sandbox.set_value("image.repository", own.repository)


def _expect_commit_without_a_run(sandbox: Sandbox) -> None:
    image = replace(sandbox.workload.image, tag=secrets.token_hex(20))
    sandbox.workload = replace(sandbox.workload, image=image)
    sandbox.set_value("image.tag", image.tag)


def _name(sandbox: Sandbox) -> str:
    return sandbox.workload.image.package.partition("/")[2]


def _row(
    name: str,
    cause: Cause,
    break_it: Callable[[Sandbox], None],
    symptom: WorkflowSymptom | ClientSymptom,
    must_fail: frozenset[str] = _ALONE,
) -> Fault:
    return Fault(name, "REG-002", cause, must_fail, symptom, break_it, deployed=False)


FAULTS = (
    _row(
        "workflow-push-disabled",
        Cause.PUSH_DISABLED,
        _text(r"docker push ", "echo not-pushed "),
        run_shows(_GREEN_AND_NOTHING),
    ),
    _row(
        "workflow-starts-on-tags-only",
        Cause.NO_PUSH_TRIGGER,
        _document(_start_on_tags_alone),
        run_shows(r"no run for push of refs/heads/\S+: its push is for tags alone"),
    ),
    _row(
        "workflow-without-tag-trigger",
        Cause.NO_TAG_TRIGGER,
        _document(_forget_tags),
        run_shows(
            r"no run for push of refs/tags/\S+: its push is for branches alone", RunOn.RELEASE
        ),
    ),
    _row(
        "workflow-without-dispatch",
        Cause.NO_DISPATCH,
        _document(_forget_dispatch),
        run_shows(r"no run for workflow_dispatch of \S+: it is not", RunOn.HAND),
    ),
    _row(
        "workflow-change-filtered",
        Cause.CHANGE_FILTERED,
        _document(_start_on_docs_alone),
        run_shows(r"no run for push of refs/heads/\S+: .* not among paths"),
    ),
    _row(
        "workflow-packages-read-only",
        Cause.PACKAGES_NOT_WRITABLE,
        _text(r"packages: write", "packages: read"),
        run_shows(r"denied: permission_denied: write_package"),
    ),
    _row(
        "workflow-login-missing",
        Cause.NOT_LOGGED_IN,
        # It still reads the token, so that the writer does not write to a closed pipe.
        _text(r"docker login ", "cat > /dev/null && echo not-logged-in "),
        run_shows(r"step .* failed: .*(denied|unauthorized)"),
    ),
    _row(
        "workflow-pushes-to-other-registry",
        Cause.PUSHES_ELSEWHERE,
        _text(r"ghcr\.io", "localhost:5000"),
        run_shows(r"step .* failed: .*localhost:5000.*connection refused"),
    ),
    _row(
        "workflow-pushes-other-name",
        Cause.PUSHES_MISNAMED,
        _rename_image,
        run_shows(_GREEN_AND_NOTHING),
    ),
    _row(
        "workflow-pushes-uppercase-owner",
        Cause.PUSHES_CAPITALS,
        _text(r",,\}", "}"),
        run_shows(r"step .* failed: .*(must be lowercase|invalid reference format)"),
    ),
    _row(
        "workflow-commit-not-tagged",
        Cause.COMMIT_NOT_TAGGED,
        _text(r"github\.sha", "github.run_number"),
        run_shows(_GREEN_AND_NOTHING),
    ),
    _row(
        "workflow-build-fails",
        Cause.BUILD_FAILED,
        _text(r"docker build ", "docker build --target release "),
        run_shows(r"step .* failed: .*build target release"),
    ),
    _row(
        "package-not-linked",
        Cause.PUSH_DENIED,
        _unlink_package,
        run_shows(r"denied: permission_denied: write_package"),
    ),
    _row(
        "workflow-pushes-nothing",
        Cause.NOTHING_PUSHED,
        # It checks whether the image already exists, and checks the wrong tag.
        _text(r"docker push ", 'docker manifest inspect "$REPOSITORY:latest" || docker push '),
        run_shows(_GREEN_AND_NOTHING),
    ),
    _row(
        "workflow-never-ran",
        Cause.IMAGE_MISSING,
        _expect_commit_without_a_run,
        printed(r"MANIFEST_UNKNOWN: manifest unknown"),
        frozenset({"REG-001", "REG-002"}),
    ),
)
