"""Diagnose the workflow that publishes the images, and a run of it."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from shlex import quote

from pullrecovery.diagnosis.external import diagnose_probe
from pullrecovery.diagnosis.fix_text import READ
from pullrecovery.model.image_reference import LATEST
from pullrecovery.model.target import Image, Target
from pullrecovery.model.verdict import Cause, Verdict, fails
from pullrecovery.model.workflow_file import BRANCHES, DISPATCH, PUSH, TAGS, Event
from pullrecovery.model.workflow_run import (
    CheckedWorkflow,
    DockerCall,
    Rehearsal,
    StepLog,
    WorkflowEvent,
    WorkflowRun,
)

_DENIED = "denied: "


def diagnose_workflow(seen: CheckedWorkflow, target: Target, image: Image) -> list[Verdict]:
    """Every cause for which the workflow would not push `image`, the one to fix first in front."""
    path = target.workflow.path
    if seen.error:
        fix = f"correct {path} at line {seen.error.partition(':')[0]}"
        return [fails(Cause.WORKFLOW_INVALID, f"{path}:{seen.error}", fix)]
    if seen.findings:
        said = "; ".join(f"{path}:{one.line}: {one.message}" for one in seen.findings)
        return [fails(Cause.WORKFLOW_INVALID, said, f"this says where: actionlint {quote(path)}")]
    rehearsal = seen.rehearsal
    found = list(_diagnose_triggers(seen, target))
    if rehearsal is None:
        return [*found, fails(Cause.UNKNOWN, f"{path} was not rehearsed", READ)]
    return [*found, *_diagnose_pushes(seen, rehearsal, target, image)]


def diagnose_run(
    run: WorkflowRun, seen: CheckedWorkflow, target: Target, image: Image
) -> Verdict | None:
    """Why a run left no image for its commit; None if it left one."""
    played = run.played
    path = target.workflow.path
    if played.refused:
        cause = Cause.NO_DISPATCH if played.event.name == DISPATCH else Cause.NO_PUSH_TRIGGER
        return fails(cause, played.said, f"make {played.event} start {path}")
    if not played.succeeded:
        return _diagnose_failed(played, seen, target, image)
    wanted = f"{image.repository}:{played.sha}"
    if run.probe.failure:
        return diagnose_probe(wanted, run.probe)
    if run.probe.missing:
        evidence = f"the run succeeded, and {wanted} is not there: {run.probe}"
        edit = f"take out of {path} what keeps a run that succeeds from pushing"
        return fails(Cause.NOTHING_PUSHED, evidence, f"{edit}, then {run_command(target)}")
    digests = {pushed.digest for pushed in played.pushed if pushed.tag == played.sha}
    if run.probe.digest not in digests or run.listed != run.probe.digest:
        evidence = (
            f"{wanted}: the run pushed {', '.join(sorted(digests)) or 'nothing'}; the registry:"
            f" {run.probe}, {run.probe.digest}; the packages API: {run.listed or 'no such tag'}"
        )
        return fails(Cause.UNKNOWN, evidence, READ)
    return None


def run_command(target: Target) -> str:
    """The command with which a user starts the workflow."""
    workflow = target.workflow
    if workflow.dispatch:
        name, repository = quote(workflow.path.rpartition("/")[2]), quote(workflow.repository)
        return f"gh workflow run {name} --repo {repository} --ref {quote(workflow.branch)}"
    return f"push a change below {workflow.change} to {workflow.branch} of {workflow.repository}"


def pushed_references(calls: Sequence[DockerCall]) -> tuple[str, ...]:
    """Every reference that a rehearsal would have pushed, in the order of the calls."""
    found: list[str] = []
    for call in calls:
        words = list(call.words)
        if words[:1] == ["push"] and {"-a", "--all-tags"} & set(words):
            found += [tag for tag in _tags_given(calls) if tag.startswith(f"{words[-1]}:")]
        elif words[:1] == ["push"] or (words[:1] == ["image"] and words[1:2] == ["push"]):
            found.append(words[-1])
        elif "build" in words[:2] and "--push" in words:
            found += _tags_of(words)
    return tuple(dict.fromkeys(found))


def _diagnose_triggers(seen: CheckedWorkflow, target: Target) -> Iterator[Verdict]:
    """Diagnose the events that should start the workflow and do not."""
    file, workflow = seen.file, target.workflow
    where = f"{workflow.path}:{file.line('on', PUSH)}"
    push = Event(PUSH, f"{BRANCHES}{workflow.branch}", (f"{workflow.change}/.revision",))
    refused = file.refusal(push)
    if refused and file.is_filtered_by_path(push):
        edit = f"add {workflow.change}/** to the paths of `on: push` in {workflow.path}"
        yield fails(Cause.CHANGE_FILTERED, f"{where}: {refused}", edit)
    elif refused:
        edit = f"add {workflow.branch} to the branches of `on: push` in {workflow.path}"
        yield fails(Cause.NO_PUSH_TRIGGER, f"{where}: {refused}", edit)
    release = Event(PUSH, f"{TAGS}{workflow.release}")
    refused = file.refusal(release) if workflow.release else ""
    if refused:
        edit = f"have tags like {workflow.release} start it, by `on: push: tags` in {workflow.path}"
        yield fails(Cause.NO_TAG_TRIGGER, f"{where}: {refused}", edit)
    by_hand = Event(DISPATCH, f"{BRANCHES}{workflow.branch}")
    if workflow.dispatch and file.refusal(by_hand):
        evidence = f"{workflow.path}:{file.line('on')}: {file.refusal(by_hand)}"
        yield fails(Cause.NO_DISPATCH, evidence, f"add `workflow_dispatch:` to {workflow.path}")


def _diagnose_pushes(
    seen: CheckedWorkflow, rehearsal: Rehearsal, target: Target, image: Image
) -> Iterator[Verdict]:
    """Diagnose whether it pushes the wanted image, and whether its token may push."""
    path = target.workflow.path
    references = pushed_references(rehearsal.calls)
    misnamed = _diagnose_names(references, rehearsal, target, image)
    if misnamed:
        yield misnamed
    pushing = {call.job for call in rehearsal.calls if pushed_references([call])}
    for job in sorted(pushing):
        level = seen.file.packages_level(job)
        if level != "write":
            at = "jobs" if "permissions" in seen.file.jobs.get(job, {}) else "permissions"
            keys = ("jobs", job, "permissions") if at == "jobs" else ("permissions",)
            evidence = f"{path}:{seen.file.line(*keys)}: job {job} has `packages: {level}`"
            edit = f"set `packages: write` under permissions in {path}"
            yield fails(Cause.PACKAGES_NOT_WRITABLE, evidence, edit)
        elsewhere = misnamed is not None and misnamed.cause is Cause.PUSHES_ELSEWHERE
        if not elsewhere and not _logs_in(rehearsal, job, image.registry):
            evidence = f"{path}: job {job} pushes, and never logs in to {image.registry}"
            edit = f"add a `docker login {quote(image.registry)}` before the push in {path}"
            yield fails(Cause.NOT_LOGGED_IN, evidence, edit)


def _diagnose_names(
    references: Sequence[str], rehearsal: Rehearsal, target: Target, image: Image
) -> Verdict | None:
    """Diagnose the references that it would push."""
    path, wanted = target.workflow.path, image.repository
    edit = f"have {path} push {wanted} under the commit and under {LATEST}"
    if not references:
        evidence = f"{path} pushes nothing" + (
            f": {rehearsal.failed} failed in a rehearsal" if rehearsal.failed else ""
        )
        return fails(Cause.PUSH_DISABLED, evidence, edit)
    tags = {tag for name, tag in map(_split, references) if name == wanted}
    pushes = f"{path} pushes {', '.join(references)}"
    if tags and rehearsal.sha not in tags:
        return fails(Cause.COMMIT_NOT_TAGGED, f"{pushes}; none is of {rehearsal.sha}", edit)
    if tags and LATEST not in tags:
        return fails(Cause.LATEST_NOT_TAGGED, f"{pushes}; none is {LATEST}", edit)
    if tags:
        return None
    names = list(dict.fromkeys(name for name, _ in map(_split, references)))
    cause, named = _misnaming(names, image)
    evidence = f"{path} pushes {named}, not {wanted}"
    return fails(cause, evidence, f"{edit}, not {named}")


def _misnaming(names: Sequence[str], image: Image) -> tuple[Cause, str]:
    """How the pushed names differ from the wanted one, and which of them is nearest."""
    for name in names:
        if name.lower() == image.repository:
            return Cause.PUSHES_CAPITALS, name
    for name in names:
        first, _, rest = name.partition("/")
        host = "." in first or ":" in first
        if (rest if host else name).lower() == image.package and first != image.registry:
            return Cause.PUSHES_ELSEWHERE, name
    # The nearest name, however different it is.
    return Cause.PUSHES_MISNAMED, get_close_matches(image.repository, names, n=1, cutoff=0)[0]


def _diagnose_failed(
    played: WorkflowEvent, seen: CheckedWorkflow, target: Target, image: Image
) -> Verdict:
    """Why a run failed: the push was denied, the build failed, or another error in the log."""
    failed = played.failed_step
    if failed and _DENIED in failed.output and not _builds(failed, seen):
        link = (
            f"link {image.repository} to {target.workflow.repository}: the package's settings,"
            " Manage Actions access, role Write"
        )
        return fails(Cause.PUSH_DENIED, played.said, f"{link}, then {run_command(target)}")
    if failed and _builds(failed, seen):
        fix = f"correct step {failed.name!r} of {target.workflow.path}"
        return fails(Cause.BUILD_FAILED, played.said, f"{fix}, then {run_command(target)}")
    return fails(Cause.UNKNOWN, played.said, READ)


def _builds(step: StepLog, seen: CheckedWorkflow) -> bool:
    """Whether the step called `docker build` in the rehearsal, and did not reach a push."""
    calls = seen.rehearsal.calls if seen.rehearsal else ()
    built = any(
        "build" in call.words[:2]
        for call in calls
        if (call.job, call.step) == (step.job, step.step)
    )
    return built and "The push refers to" not in step.output


def _logs_in(rehearsal: Rehearsal, job: str, registry: str) -> bool:
    logins = (call.words for call in rehearsal.calls if call.job == job)
    return any(words[:1] == ("login",) and registry in words for words in logins)


def _tags_given(calls: Sequence[DockerCall]) -> list[str]:
    """Every reference that a build or a `docker tag` created."""
    built = [tag for call in calls if "build" in call.words[:2] for tag in _tags_of(call.words)]
    return built + [call.words[-1] for call in calls if call.words[:1] == ("tag",)]


def _tags_of(words: Sequence[str]) -> list[str]:
    """The references of a build's `--tag` and `-t`."""
    apart = [words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-t", "--tag")]
    return apart + [word.partition("=")[2] for word in words if word.startswith("--tag=")]


def _split(reference: str) -> tuple[str, str]:
    """Repository and tag; docker assumes `latest` if there is no tag."""
    name, colon, tag = reference.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (reference, LATEST)
