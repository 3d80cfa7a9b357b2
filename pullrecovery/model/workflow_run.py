"""What was seen of the workflow and of its runs, as frozen data."""

from dataclasses import dataclass

from pullrecovery.model.probe import Probe
from pullrecovery.model.workflow_file import Event, WorkflowFile


@dataclass(frozen=True)
class LintFinding:
    """What actionlint says of one place in the file; `line` from 1, `kind` is its rule's name."""

    line: int
    kind: str
    message: str


@dataclass(frozen=True)
class DockerCall:
    """One call of docker in a rehearsal: in which job and step (from 0; -1: not known)."""

    job: str
    step: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class Rehearsal:
    """A run of the workflow on `sha` in which docker did nothing but write down its calls.

    `failed` is the step that failed, or why it could not be rehearsed; empty if all went well.
    """

    sha: str
    calls: tuple[DockerCall, ...]
    failed: str = ""


@dataclass(frozen=True)
class CheckedWorkflow:
    """The workflow as it stands in the target; `rehearsal` is None where it is no workflow.

    `error` has line and reason where the file cannot be read.
    """

    file: WorkflowFile
    error: str = ""
    findings: tuple[LintFinding, ...] = ()
    rehearsal: Rehearsal | None = None


@dataclass(frozen=True)
class Pushed:
    """What `docker push` said that it pushed: a tag, and the digest."""

    tag: str
    digest: str


@dataclass(frozen=True)
class StepLog:
    """One step of a run: its job, its place there (from 0), its name, end and output.

    `result` is `success`, `failure` or `skipped`; empty where it never ended.
    """

    job: str
    step: int
    name: str
    result: str
    output: str


@dataclass(frozen=True)
class WorkflowEvent:
    """What became of an event: a run on the commit `sha`, or none, and then `refused` says why.

    `stubs` names every action that was not GitHub's own but the lab's; `log` is redacted.
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
        """How it ended, in one line: why there is no run, the failed step's last words, or well."""
        if self.refused:
            return f"no run for {self.event}: {self.refused}"
        failed = self.failed_step
        if failed is None:
            return "the run succeeded" if self.succeeded else "the run failed"
        lines = failed.output.strip().splitlines()
        # docker's last line may be where to read how it is called.
        words = [line for line in lines if not line.startswith("See '")] or ["no output"]
        return f"step {failed.name!r} failed: {words[-1]}"


@dataclass(frozen=True)
class WorkflowRun:
    """A run of the workflow, and what is there of the wanted repository under its commit then.

    `probe` is the suite's question to the registry; `listed` the digest that the packages API
    has for that tag, empty where it has none.
    """

    played: WorkflowEvent
    probe: Probe
    listed: str
