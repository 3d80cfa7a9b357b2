"""Observe the target's workflow, what it would do, and what a run of it did."""

from pullrecovery.model.target import Image, Target
from pullrecovery.model.workflow_file import (
    BRANCHES,
    DISPATCH,
    PUSH,
    TAGS,
    Event,
    UnreadableWorkflowError,
    WorkflowFile,
    read_text,
)
from pullrecovery.model.workflow_run import CheckedWorkflow, WorkflowRun
from pullrecovery.registry.github_packages import PackagesError
from pullrecovery.world.read_only import ReadOnlyWorld
from pullrecovery.world.world import World

_NOT_FOUND = 404


def observe_workflow(world: ReadOnlyWorld) -> CheckedWorkflow:
    """Read the target's workflow, check it with actionlint, and rehearse it."""
    target, workflow = world.target, world.target.workflow
    try:
        text = read_text(workflow.file)
    except UnreadableWorkflowError as error:
        return CheckedWorkflow(WorkflowFile(""), str(error))
    # A rehearsal takes seconds. Of the file only its text, because the file may be a copy.
    inputs = (target.root, target.login, workflow.repository, workflow.branch, workflow.path, text)
    return world.memory.reuse("workflow", inputs, lambda: _look(world, text))


def push_of_change(target: Target) -> Event:
    """A push to the branch that changes one file in the directory where changes start a run."""
    workflow = target.workflow
    return Event(PUSH, f"{BRANCHES}{workflow.branch}", (f"{workflow.change}/.revision",))


def push_of_release(target: Target) -> Event:
    """A push of a release tag."""
    return Event(PUSH, f"{TAGS}{target.workflow.release}")


def dispatch(target: Target) -> Event:
    """A manual start of the workflow on the branch."""
    return Event(DISPATCH, f"{BRANCHES}{target.workflow.branch}")


def play_workflow(world: World, image: Image, event: Event, *, whole: bool = False) -> WorkflowRun:
    """Run the workflow for `event`, and observe what the run left in the repository of `image`.

    If a matrix names the image, its other entries run only with `whole`. Raises
    UnreadableWorkflowError if the file is not a workflow.
    """
    file = WorkflowFile(read_text(world.target.workflow.file))
    level = packages_level(file, world)
    entry = "" if whole else file.entry_of(image)
    played = world.workflows.play(world.target, file, event, level, entry)
    # Without a run there is no commit, and so no tag to request.
    tag = played.sha or "none"
    probe = world.registry.manifest(image.package, tag, world.reader)
    return WorkflowRun(played, probe, _listed(world, image, tag))


def packages_level(file: WorkflowFile, world: ReadOnlyWorld) -> str:
    """The lowest access to packages among the GITHUB_TOKENs of the jobs that call docker.

    A run in the lab has one token for all its jobs.
    """
    rehearsal = observe_workflow(world).rehearsal
    calling = {call.job for call in rehearsal.calls} if rehearsal else set()
    levels = {file.packages_level(job) for job in calling or file.jobs}
    return next((level for level in ("none", "read") if level in levels), "write")


def _look(world: ReadOnlyWorld, text: str) -> CheckedWorkflow:
    file = WorkflowFile(text)
    try:
        file.document  # noqa: B018 - it is read here, so that its error shows here
    except UnreadableWorkflowError as error:
        return CheckedWorkflow(file, str(error))
    findings = world.actionlint.check(text)
    if findings:
        return CheckedWorkflow(file, findings=findings)
    event = Event(file.trigger, f"{BRANCHES}{world.target.workflow.branch}")
    rehearsal = world.workflows.rehearse(world.target, file, event)
    return CheckedWorkflow(file, rehearsal=rehearsal)


def _listed(world: ReadOnlyWorld, image: Image, tag: str) -> str:
    """The digest of the version that the packages API lists for a tag."""
    packages = world.github.packages(image.owner, world.reader.token)
    try:
        versions = packages.versions(image.name)
    except PackagesError as error:
        if error.status != _NOT_FOUND:
            raise
        return ""
    return next((version.digest for version in versions if tag in version.tags), "")
