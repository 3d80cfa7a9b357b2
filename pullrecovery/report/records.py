"""The records of a run, of which result.json consists; docs/result.schema.json describes them.

`python -m devtools result-schema` writes the schema from these classes. Fixtures fill the records,
pytest carries them as JSON text to its controlling process, and every report reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from pullrecovery.common.errors import PullRecoveryError
from pullrecovery.common.redaction import redact

T = TypeVar("T")

SCHEMA: Final = 2
CriterionId = Annotated[str, Field(pattern=r"^REG-\d{3}$")]
CauseId = Annotated[str, Field(pattern=r"^[a-z]+(\.[a-z-]+)?$")]
Seconds = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(min_length=1)]
Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")]
CriterionOutcome = Literal["pass", "fail", "unknown", "not-applicable", "not-checked"]
Status = Literal["recovered", "external", "not-recovered", "error"]
_adapters: dict[Any, TypeAdapter[Any]] = {}
ControlKind = Literal["healthy", "no-op", "other-remediation"]
MismatchKind = Literal[
    "undetected", "misdiagnosed", "unexpected failure", "not remediated", "not checked"
]


class Record:
    """The base of every record: unknown keys are errors, and a docstring describes each field."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
        hide_input_in_errors=True,
    )


@dataclass(frozen=True)
class SymptomRecord(Record):
    """How the fault shows itself."""

    surface: str
    reason: str
    message: str


@dataclass
class CauseRecord(Record):
    """The cause of a scenario's own criterion."""

    expected: CauseId
    found: CauseId | None = None
    """null: no verdict was made, or it named no cause."""


@dataclass
class SecondsRecord(Record):
    """The seconds of a scenario's steps; null where a step was not reached."""

    break_: Annotated[Seconds | None, Field(alias="break")] = None
    """Until the broken release is deployed."""
    detect: Seconds | None = None
    """From the first failed pull, or the start of the client, to the symptom."""
    diagnose: Seconds | None = None
    """From the same moment to the named cause."""
    remediate: Seconds | None = None
    """All remediations of the scenario together."""
    recover: Seconds | None = None
    """From the end of the last remediation until REG-006 passes."""

    def add_remediation(self, seconds: float) -> None:
        """Add the time of one remediation to that of those before."""
        self.remediate = round((self.remediate or 0.0) + seconds, 2)


@dataclass(frozen=True)
class PullRecord(Record):
    """A pull in the registry's log, which the remediation made possible."""

    identity: Name
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    at: Time


@dataclass(frozen=True)
class WorkflowRunRecord(Record):
    """The last run of the workflow in a scenario; the scenario's pull is of what it pushed."""

    event: Name
    commit: str
    """Empty if the event started no run."""
    outcome: Name
    stubs: tuple[str, ...]
    """GitHub Actions that the lab replaced by its own."""
    pushed: str
    """The registry's digest under the commit."""
    listed: str
    """The packages API's digest under the commit."""
    log: tuple[str, ...]
    """Redacted."""


@dataclass
class ScenarioRecord(Record):
    """A fault on a release, run once."""

    id: Name
    criterion: CriterionId | None
    """The task that fixes it; null for an external cause, which no task fixes."""
    fault: Name
    release: Name
    workload: Name
    """The Kubernetes object of the release that owns the pods."""
    kind: Name
    namespace: Name
    wiring: Literal["values", "service-account"]
    deploy: Name
    expected_failures: tuple[CriterionId, ...]
    cause: CauseRecord
    status: Status = "error"
    """external: no task fixes the cause; error: the outcome is unknown."""
    detected: tuple[CriterionId, ...] | None = None
    """The criteria that fail before the remediation; null: not judged."""
    after: tuple[CriterionId, ...] | None = None
    """The criteria that still fail after the remediation; null: not judged."""
    symptom: SymptomRecord | None = None
    seconds: SecondsRecord = field(default_factory=SecondsRecord)
    pull: PullRecord | None = None
    run: WorkflowRunRecord | None = None
    diff: tuple[str, ...] = ()
    """The edit of the workflow that the verdict proposed; it was made in a copy."""
    evidence: str | None = None
    """Path of the evidence that was collected; null if none was."""


@dataclass
class ControlRecord(Record):
    """A run that must stay green, or that must stay broken."""

    id: Name
    kind: ControlKind
    """no-op: the remediation does nothing; other-remediation: one that fixes another cause."""
    outcome: Literal["pass", "not-recovered", "error"] = "error"
    as_expected: bool = False


@dataclass(frozen=True)
class GuardRecord(Record):
    """A false pass that was tried on the suite, and the error of the guard that ended it."""

    id: Annotated[str, Field(pattern=r"^V[0-9]+$")]
    false_pass: Name
    guard: Name
    error: Name


@dataclass(frozen=True)
class StoryStep(Record):
    """A step of a story, with what still fails after it."""

    task: Name
    done: tuple[str, ...]
    still_failing: dict[str, dict[CriterionId, tuple[CauseId, ...]]]
    """By release and criterion: the causes that it names."""


@dataclass(frozen=True)
class StoryRecord(Record):
    """A recovery from several causes, step by step."""

    id: Name
    status: Literal["recovered", "not-recovered", "error"]
    steps: tuple[StoryStep, ...]


@dataclass(frozen=True)
class OtherCause(Record):
    """A further cause of a failed verdict."""

    cause: CauseId
    evidence: str
    fix: str


@dataclass(frozen=True)
class LivePullRecord(Record):
    """What is visible of a container's pull without the registry's log."""

    pod: str
    image_id: str
    event: str
    """The kubelet's message; empty if the event is gone."""
    at: str


@dataclass(frozen=True)
class VerdictRecord(Record):
    """The verdict of a criterion on a release of the live world; the docs are judged once."""

    id: Name
    criterion: CriterionId
    release: Name
    namespace: Name
    outcome: Literal["pass", "fail", "unknown", "not-applicable"]
    """unknown: something was not observed, or every cause is external."""
    cause: CauseId | None = None
    evidence: str = ""
    """What was observed, or why the outcome is unknown."""
    fix: str = ""
    others: tuple[OtherCause, ...] = ()
    """In the order in which to fix them."""
    plan: str = ""
    """The dry run of the remediation, redacted."""
    pulls: tuple[LivePullRecord, ...] = ()
    """Of a REG-006 that passes."""


@dataclass(frozen=True)
class CriterionRecord(Record):
    """The outcome of a criterion over all of its scenarios, or on all releases."""

    id: CriterionId
    outcome: CriterionOutcome
    """pass: every scenario of it recovered or is external; there was at least one."""
    required: bool
    """false: it fails no run, as REG-008 unless target.yaml requires it."""
    after: tuple[str, ...]
    """The tasks to do before this one; CI-002 is the one that has CI publish images."""
    faults: Annotated[int, Field(ge=0)]
    scenarios: Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class MismatchRecord(Record):
    """A difference between a scenario and what its fault declares."""

    kind: MismatchKind
    fault: Name
    scenario: Name
    detail: Name


@dataclass(frozen=True)
class MatrixRow(Record):
    """A fault's row of the detection matrix."""

    criterion: CriterionId | None
    expected_failures: tuple[CriterionId, ...]
    expected: CauseId
    found: tuple[CauseId, ...]
    detected: dict[str, tuple[CriterionId, ...]]
    """The criteria that failed, by scenario."""
    mismatches: tuple[MismatchRecord, ...]


@dataclass(frozen=True)
class Percentiles(Record):
    """Percentiles of a step in seconds, over so many scenarios."""

    p50: Seconds
    p95: Seconds
    scenarios: Annotated[int, Field(ge=1)]


Figures = dict[Literal["detect", "diagnose", "remediate", "recover"], Percentiles]


@dataclass(frozen=True)
class DeployerVerdicts(Record):
    """What one deployer's scenarios of a fault detected."""

    detected: tuple[CriterionId, ...]
    causes: tuple[str, ...]


@dataclass(frozen=True)
class ComparedFault(Record):
    """A fault that several deployers ran, with the verdicts by deployer."""

    same: bool
    by: dict[str, DeployerVerdicts]


@dataclass(frozen=True)
class SideBySide(Record):
    """The faults that more than one deployer ran, compared; empty if one deployer ran all."""

    faults: dict[str, ComparedFault] = field(default_factory=dict)
    figures: dict[str, Figures] = field(default_factory=dict)
    """By deployer, over these faults."""


@dataclass
class RunRecord(Record):
    """The run itself."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    started: Time
    seconds: Seconds
    """Of the tests alone."""
    world: Literal["lab", "live"]
    target: Name
    """The folder of the target.yaml."""
    target_commit: str
    """Empty if the target is not committed to a git repository."""
    suite_version: Name
    suite_commit: str
    versions: dict[str, str]
    selection: Literal["all", "partial"]
    """partial: not every scenario was selected; a gate refuses such a result."""
    exit: Literal[0, 1, 2, 4]
    """0 pass, 1 fail, 2 unknown, 4 usage."""
    shard: str | None = None
    """i/n of a run that is divided; null: not divided."""
    phases: dict[str, Seconds] = field(default_factory=dict)
    """Seconds of the whole command's phases, the start of the lab included."""
    stubs: tuple[str, ...] = ()
    """GitHub Actions that the lab replaced by its own, in any scenario."""
    adapted: tuple[str, ...] = ()
    """What was changed of the target's charts so that they run in the lab."""
    unjudged_images: tuple[str, ...] = ()
    """Images that the charts render and no criterion judged."""
    skipped_objects: tuple[str, ...] = ()
    """Cluster-scoped objects of the charts, which no sandbox has, as `release: kind name`."""
    rejected_pods: tuple[str, ...] = ()
    """Objects whose pods need more than Pod Security baseline, with the fields that do."""
    unknowns: tuple[str, ...] = ()
    """Why the outcome is unknown, with the text of the guard; `exit` is then 2."""
    context: str = ""
    """live: the kubeconfig's context."""
    notes: tuple[str, ...] = ()
    """live: how this run differs from one in the lab."""


@dataclass(kw_only=True)
class Result(Record):
    """result.json of pull-recovery, from which every other report is made."""

    schema: Literal[2] = SCHEMA
    run: RunRecord
    criteria: Annotated[tuple[CriterionRecord, ...], Field(min_length=1)]
    missing: tuple[str, ...] = ()
    """What a complete run has and this one lacks; `exit` is then not 0."""
    scenarios: tuple[ScenarioRecord, ...] = ()
    verdicts: tuple[VerdictRecord, ...] = ()
    """live: every criterion on every release."""
    stories: tuple[StoryRecord, ...] = ()
    controls: tuple[ControlRecord, ...] = ()
    false_pass_guards: tuple[GuardRecord, ...] = ()
    leaks: tuple[str, ...] = ()
    """What scenarios left behind; it was removed, but `exit` is not 0."""
    detection_matrix: dict[str, MatrixRow] = field(default_factory=dict)
    """By fault, made from the scenarios."""
    figures: Figures = field(default_factory=dict)
    """Over the scenarios whose cause is not external."""
    side_by_side: SideBySide = field(default_factory=SideBySide)

    def note_leaks(self, leaks: Sequence[str]) -> None:
        """Record what the run left behind; a run with leaks does not pass."""
        self.leaks = tuple(leaks)
        if leaks and self.run.exit == 0:
            self.run.exit = 2


def _adapter_of(kind: Any) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def to_json(record: object) -> str:
    """Return a record, or a tuple of records of one kind, as JSON text."""
    if isinstance(record, tuple):
        return f"[{','.join(map(to_json, record))}]"
    return _adapter_of(type(record)).dump_json(record, by_alias=True).decode()


def from_json(kind: type[T], text: str) -> T:
    """Return the record of this kind in JSON text; raises pydantic's ValidationError."""
    record: T = _adapter_of(kind).validate_json(text)
    return record


def write_result(path: Path, result: Result) -> None:
    """Write result.json, redacted; its folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = _adapter_of(Result).dump_json(result, by_alias=True, indent=2).decode()
    path.write_text(f"{redact(text)}\n", encoding="utf-8")


def read_result(path: Path) -> Result:
    """Return what result.json has; raises PullRecoveryError for a file of another schema."""
    try:
        return from_json(Result, path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise PullRecoveryError(
            f"{path} is no result.json of schema {SCHEMA}: {place}: {first['msg']};"
            " run the suite again."
        ) from error


def result_schema() -> dict[str, Any]:
    """Return the JSON Schema of result.json."""
    schema = _adapter_of(Result).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
