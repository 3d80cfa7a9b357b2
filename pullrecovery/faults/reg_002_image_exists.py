"""Faults of REG-002: a workflow that does not start, does not push, or may not.

The image that is wanted is there meanwhile, from an earlier push: what is broken is the next one.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace

from ruamel.yaml.comments import CommentedMap

from pullrecovery.faults.ground import Ground
from pullrecovery.faults.rows import Fault, Printed, RunOn, RunShows, printed, run_shows
from pullrecovery.model.verdict import Cause
from pullrecovery.model.workflow_file import DISPATCH, PUSH, parse, render

_ALONE = frozenset({"REG-002"})
_GREEN_AND_NOTHING = r"^the run succeeded; \S+: .*(manifest|name) unknown"


def _text(pattern: str, replacement: str) -> Callable[[Ground], None]:
    """Spoil the text of the workflow."""
    return lambda ground: ground.workflow.edit(lambda text: re.sub(pattern, replacement, text))


def _document(spoil: Callable[[CommentedMap], object]) -> Callable[[Ground], None]:
    """Spoil what the workflow says."""

    def edit(text: str) -> str:
        document = parse(text)
        spoil(document)
        return render(document)

    return lambda ground: ground.workflow.edit(edit)


def _start_on_tags_alone(document: CommentedMap) -> None:
    document["on"][PUSH] = {"tags": ["v*"]}


def _forget_tags(document: CommentedMap) -> None:
    del document["on"][PUSH]["tags"]


def _forget_dispatch(document: CommentedMap) -> None:
    del document["on"][DISPATCH]


def _start_on_docs_alone(document: CommentedMap) -> None:
    document["on"][PUSH]["paths"] = ["docs/**"]


def _rename_image(ground: Ground) -> None:
    ground.push_as(f"{_name(ground)}-web")


def _unlink_package(ground: Ground) -> None:
    """A package that people made by hand: the repository was never given access to it."""
    target, image = ground.lab_world.world.target, ground.workload.image
    name = f"{_name(ground)}-{secrets.token_hex(4)}"
    ground.push_as(name)
    own = replace(image, repository=f"{target.registry}/{target.owner}/{name}")
    people = [target.login]
    ground.lab_world.control.share_package(own.package, "private", people, people)
    ground.lab_world.publish(own, ground.workload.app)
    ground.workload = replace(ground.workload, image=own)
    ground.set_value("image.repository", own.repository)


def _expect_commit_without_a_run(ground: Ground) -> None:
    image = replace(ground.workload.image, tag=secrets.token_hex(20))
    ground.workload = replace(ground.workload, image=image)
    ground.set_value("image.tag", image.tag)


def _name(ground: Ground) -> str:
    return ground.workload.image.package.partition("/")[2]


def _row(
    name: str,
    cause: Cause,
    break_it: Callable[[Ground], None],
    symptom: RunShows | Printed,
    must_fail: frozenset[str] = _ALONE,
) -> Fault:
    return Fault(name, "REG-002", cause, must_fail, symptom, break_it, deployed=False)


FAULTS = (
    _row(
        "push-disabled",
        Cause.PUSH_DISABLED,
        _text(r"docker push ", "echo not-pushed "),
        run_shows(_GREEN_AND_NOTHING),
    ),
    _row(
        "started-by-tags-alone",
        Cause.NO_PUSH_TRIGGER,
        _document(_start_on_tags_alone),
        run_shows(r"no run for push of refs/heads/\S+: its push is for tags alone"),
    ),
    _row(
        "not-started-by-tags",
        Cause.NO_TAG_TRIGGER,
        _document(_forget_tags),
        run_shows(
            r"no run for push of refs/tags/\S+: its push is for branches alone", RunOn.RELEASE
        ),
    ),
    _row(
        "not-started-by-hand",
        Cause.NO_DISPATCH,
        _document(_forget_dispatch),
        run_shows(r"no run for workflow_dispatch of \S+: it is not", RunOn.HAND),
    ),
    _row(
        "change-filtered",
        Cause.CHANGE_FILTERED,
        _document(_start_on_docs_alone),
        run_shows(r"no run for push of refs/heads/\S+: .* not among paths"),
    ),
    _row(
        "packages-read-only",
        Cause.PACKAGES_NOT_WRITABLE,
        _text(r"packages: write", "packages: read"),
        run_shows(r"denied: permission_denied: write_package"),
    ),
    _row(
        "login-left-out",
        Cause.NOT_LOGGED_IN,
        # It takes the token all the same, so that nobody writes it to a closed pipe.
        _text(r"docker login ", "cat > /dev/null && echo not-logged-in "),
        run_shows(r"step .* failed: .*(denied|unauthorized)"),
    ),
    _row(
        "pushed-to-another-registry",
        Cause.PUSHES_ELSEWHERE,
        _text(r"ghcr\.io", "localhost:5000"),
        run_shows(r"step .* failed: .*localhost:5000.*connection refused"),
    ),
    _row(
        "pushed-under-another-name",
        Cause.PUSHES_MISNAMED,
        _rename_image,
        run_shows(_GREEN_AND_NOTHING),
    ),
    _row(
        "pushed-with-capitals",
        Cause.PUSHES_CAPITALS,
        _text(r",,\}", "}"),
        run_shows(r"step .* failed: .*(must be lowercase|invalid reference format)"),
    ),
    _row(
        "commit-not-tagged",
        Cause.COMMIT_NOT_TAGGED,
        _text(r"github\.sha", "github.run_number"),
        run_shows(_GREEN_AND_NOTHING),
    ),
    _row(
        "build-fails",
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
        "green-and-nothing-pushed",
        Cause.NOTHING_PUSHED,
        # It looks whether the image is there already, and looks for the wrong tag.
        _text(r"docker push ", 'docker manifest inspect "$REPOSITORY:latest" || docker push '),
        run_shows(_GREEN_AND_NOTHING),
    ),
    _row(
        "commit-without-a-run",
        Cause.IMAGE_MISSING,
        _expect_commit_without_a_run,
        printed(r"MANIFEST_UNKNOWN: manifest unknown"),
        frozenset({"REG-001", "REG-002"}),
    ),
)
