"""Edits that fix a workflow, one for each cause; comments outside the edits are preserved.

If the steps themselves are wrong, no edit can infer their intent: the job that calls docker then
gets steps generated from the target's own facts, which push the images of its workloads.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import LiteralScalarString

from pullrecovery.model.filter_patterns import matches
from pullrecovery.model.target import Target
from pullrecovery.model.verdict import Cause
from pullrecovery.model.workflow_file import (
    DISPATCH,
    PUSH,
    UnreadableWorkflowError,
    is_checkout,
    jobs_of,
    parse,
    render,
    texts_of,
)

_PUSH_EVERYTHING = """\
printf '%s' "$TOKEN" | docker login "$REGISTRY" --username "$LOGIN" --password-stdin
docker build --pull --label "org.opencontainers.image.revision=$COMMIT" \\
  --tag "$REPOSITORY:$COMMIT" --tag "$REPOSITORY:latest" "$APP"
docker push "$REPOSITORY:$COMMIT"
if [ "$REF" = "{ref}" ]; then docker push "$REPOSITORY:latest"; fi
"""
# The keys that belong to the replaced steps.
_OF_THE_STEPS = ("name", "strategy", "env", "defaults", "steps", "if")


def edited(text: str, cause: Cause, target: Target) -> str:
    """The workflow without `cause`; unchanged if no edit fixes that cause.

    Raises UnreadableWorkflowError if the text is no workflow, or has no job for the edit.
    """
    edit = _EDITS.get(cause)
    if edit is None:
        return text
    document = parse(text)
    edit(document, target)
    return render(document)


def _start_on_push(document: CommentedMap, target: Target) -> None:
    push = _push(document)
    ignored = push.get("branches-ignore")
    if ignored is not None:
        push["branches-ignore"] = [
            pattern
            for pattern in texts_of(ignored)
            if not matches(target.workflow.branch, [pattern])
        ]
        return
    _add(push, "branches", target.workflow.branch)


def _start_on_release(document: CommentedMap, target: Target) -> None:
    push, release = _push(document), target.workflow.release
    letters = release[: len(release) - len(release.lstrip("abcdefghijklmnopqrstuvwxyz-"))]
    push.pop("tags-ignore", None)
    _add(push, "tags", f"{letters}*")
    # With only tags as a filter, a push of a branch would start nothing.
    if "branches" not in push and "branches-ignore" not in push:
        _add(push, "branches", target.workflow.branch)


def _start_by_hand(document: CommentedMap, _: Target) -> None:
    _triggers(document)[DISPATCH] = None


def _start_on_change(document: CommentedMap, target: Target) -> None:
    push, change = _push(document), target.workflow.change
    if "paths" in push:
        _add(push, "paths", f"{change}/**")
        return
    ignored = texts_of(push.pop("paths-ignore", []))
    kept = [pattern for pattern in ignored if not matches(f"{change}/.revision", [pattern])]
    if kept:
        push["paths-ignore"] = kept


def _permit_packages(document: CommentedMap, _: Target) -> None:
    """Let the token write packages, in jobs with own permissions or else in the workflow."""
    jobs = [job for job in jobs_of(document).values() if "permissions" in job]
    for holder in jobs or [document]:
        given = holder.get("permissions")
        if isinstance(given, dict):
            given["packages"] = "write"
        else:
            holder["permissions"] = {"contents": "read", "packages": "write"}


def _push_what_is_wanted(document: CommentedMap, target: Target) -> None:
    """Replace the steps of the job that calls docker by steps that push every workload's image."""
    jobs = list(jobs_of(document).values())
    if not jobs:
        raise UnreadableWorkflowError("1: a workflow must have a job")
    job = next((job for job in jobs if "docker" in str(job.get("steps"))), jobs[0])
    steps = job.get("steps")
    checkout = [step for step in steps if _is_checkout(step)] if isinstance(steps, list) else []
    for key in _OF_THE_STEPS:
        job.pop(key, None)
    included = [
        {"repository": repository, "app": app} for repository, app in _images(target).items()
    ]
    job["strategy"] = {"fail-fast": False, "matrix": {"include": included}}
    job["steps"] = CommentedSeq([*checkout, _step(target)])


def _images(target: Target) -> Mapping[str, str]:
    """Every wanted repository, with the directory that its image is built from."""
    return {
        workload.image.repository: str(workload.app.relative_to(target.root.resolve()))
        for workload in target.workloads
    }


def _step(target: Target) -> dict[str, Any]:
    script = _PUSH_EVERYTHING.format(ref=f"refs/heads/{target.workflow.branch}")
    return {
        "name": "Build and push",
        "env": {
            "REGISTRY": target.registry,
            "LOGIN": "${{ github.actor }}",
            "TOKEN": "${{ secrets.GITHUB_TOKEN }}",
            "REPOSITORY": "${{ matrix.repository }}",
            "APP": "${{ matrix.app }}",
            "COMMIT": "${{ github.sha }}",
            "REF": "${{ github.ref }}",
        },
        "run": LiteralScalarString(script),
    }


def _is_checkout(step: Any) -> bool:
    return isinstance(step, dict) and is_checkout(step.get("uses"))


def _triggers(document: CommentedMap) -> Any:
    """The mapping under `on`, converted from a name or a list if necessary."""
    given = document.get("on")
    if not isinstance(given, dict):
        names = given if isinstance(given, list) else [given] if given else []
        document["on"] = CommentedMap((str(name), None) for name in names)
    return document["on"]


def _push(document: CommentedMap) -> Any:
    triggers = _triggers(document)
    if not isinstance(triggers.get(PUSH), dict):
        triggers[PUSH] = CommentedMap()
    return triggers[PUSH]


def _add(filters: Any, key: str, pattern: str) -> None:
    """Append a pattern to a filter: the last pattern that matches decides."""
    given = filters.get(key)
    if isinstance(given, list):
        if given[-1:] != [pattern]:
            given.append(pattern)
        return
    filters[key] = [*([given] if given else []), pattern]


_EDITS: Mapping[Cause, Callable[[CommentedMap, Target], None]] = {
    Cause.NO_PUSH_TRIGGER: _start_on_push,
    Cause.NO_TAG_TRIGGER: _start_on_release,
    Cause.NO_DISPATCH: _start_by_hand,
    Cause.CHANGE_FILTERED: _start_on_change,
    Cause.PACKAGES_NOT_WRITABLE: _permit_packages,
    Cause.NOT_LOGGED_IN: _push_what_is_wanted,
    Cause.PUSHES_ELSEWHERE: _push_what_is_wanted,
    Cause.PUSHES_MISNAMED: _push_what_is_wanted,
    Cause.PUSHES_CAPITALS: _push_what_is_wanted,
    Cause.COMMIT_NOT_TAGGED: _push_what_is_wanted,
    Cause.LATEST_NOT_TAGGED: _push_what_is_wanted,
    Cause.PUSH_DISABLED: _push_what_is_wanted,
    Cause.BUILD_FAILED: _push_what_is_wanted,
    Cause.NOTHING_PUSHED: _push_what_is_wanted,
}


def fixes(cause: Cause) -> bool:
    """Whether an edit of the workflow fixes a cause."""
    return cause in _EDITS
