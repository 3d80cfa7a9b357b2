"""The observed workflow and its runs, as frozen data."""

from dataclasses import dataclass

from pullrecovery.model.probe import Probe
from pullrecovery.model.workflow_file import Event, WorkflowFile


@dataclass(frozen=True)
class LintFinding:
    """One finding of actionlint; `line` counts from 1, `kind` is the name of its rule."""

    line: int
    kind: str
    message: str


@dataclass(frozen=True)
class DockerCall:
    """One call of docker in a rehearsal, with its job and step (from 0; -1: unknown)."""

    job: str
    step: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class Rehearsal:
    """A run of the workflow on `sha` with a docker that only records its calls.

    `failed` is the failed step, or why the workflow could not be rehearsed; empty on success.
    """

    sha: str
    calls: tuple[DockerCall, ...]
    failed: str = ""


@dataclass(frozen=True)
class CheckedWorkflow:
    """The workflow as it is in the target; `rehearsal` is None if the file is not a workflow.

    `error` has line and reason if the file cannot be read.
    """

    file: WorkflowFile
    error: str = ""
    findings: tuple[LintFinding, ...] = ()
    rehearsal: Rehearsal | None = None


@dataclass(frozen=True)
class Pushed:
    """A push that `docker push` reported: a tag and its digest."""

    tag: str
    digest: str


@dataclass(frozen=True)
class StepLog:
    """One step of a run: its job, its index there (from 0), its name, result and output.

    `result` is `success`, `failure` or `skipped`; empty if the step did not finish.
    """

    job: str
    step: int
    name: str
    result: str
    output: str


@dataclass(frozen=True)
class WorkflowEvent:
    """The result of an event: a run on the commit `sha`, or no run and the reason in `refused`.

    `stubs` names every action for which the lab used its own stub instead of GitHub's; `log` is
    redacted.
    """

    event: Event
    sha: str = ""
    refused: str = ""
    succeeded: bool = False
    steps: tuple[StepLog, ...] = ()
    pushed: tuple[Pushed, ...] = ()
    stubs: tuple[str, ...] = ()
    log: str = ""

    @property
    def failed_step(self) -> StepLog | None:
        """The first step that failed."""
        return next((step for step in self.steps if step.result == "failure"), None)

    @property
    def said(self) -> str:
        """The result in one line: why there is no run, the failed step's last line, or success."""
        if self.refused:
            return f"no run for {self.event}: {self.refused}"
        failed = self.failed_step
        if failed is None:
            return "the run succeeded" if self.succeeded else "the run failed"
        lines = failed.output.strip().splitlines()
        # docker's last line may only refer to its help.
        words = [line for line in lines if not line.startswith("See '")] or ["no output"]
        return f"step {failed.name!r} failed: {words[-1]}"


@dataclass(frozen=True)
class WorkflowRun:
    """A workflow run, and the wanted repository's image for its commit after the run.

    `probe` is the suite's request to the registry; `listed` is the digest that the packages API
    lists for that tag, empty if it lists none.
    """

    played: WorkflowEvent
    probe: Probe
    listed: str
