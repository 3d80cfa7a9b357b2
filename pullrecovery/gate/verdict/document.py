"""The document of the gate's verdict on one revision: what was judged, and the decision.

docs/gate-verdict.schema.json describes its JSON.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from dataclasses import fields as dataclass_fields
from datetime import datetime
from enum import StrEnum
from typing import Any, get_args, get_origin

from pullrecovery.common.errors import Exit, PullRecoveryError
from pullrecovery.common.false_pass_guards import Guard
from pullrecovery.common.redaction import redact
from pullrecovery.gate.releases import JudgedRelease
from pullrecovery.model.verdict import Cause, Verdict

SCHEMA = 1
# The signed text has a limited length, and evidence may be a client's whole output.
_TEXT = 2000


class VerdictError(PullRecoveryError):
    """The document is not a verdict of the gate."""


class Decision(StrEnum):
    """The decision on the revision; only `promote` lets it through."""

    PROMOTE = "promote"
    HOLD = "hold"
    INCONCLUSIVE = "cannot-tell"

    @property
    def exit(self) -> Exit:
        codes = {self.PROMOTE: Exit.PASS, self.HOLD: Exit.FAIL}
        return codes.get(self, Exit.UNKNOWN)


@dataclass(frozen=True)
class Failure:
    """One cause of a failed check, with its evidence and the command that fixes it."""

    check: str
    cause: str
    evidence: str = ""
    remedy: str = ""

    @property
    def tells(self) -> bool:
        """Return whether the failure is about the revision, not an outage or an unknown cause."""
        return self.cause != Cause.UNKNOWN and not self.cause.startswith("external.")

    def __str__(self) -> str:
        return f"{self.check}: {self.cause}"


@dataclass(frozen=True)
class Checks:
    """The checks (workload name and criterion) that were declared, run, skipped and failed.

    `optional` checks are shown and do not hold the revision. A tier that ends the gate leaves the
    checks of later tiers neither run nor skipped.
    """

    declared: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the declared checks that were neither run nor skipped."""
        done = {*self.run, *self.skipped}
        return tuple(check for check in self.declared if check not in done)


@dataclass(frozen=True)
class Tier:
    """A part of the gate and how it ended.

    `ended` is `passed`, `held`, `timed-out`, `broke-down` or `not-run`.
    """

    name: str
    ended: str
    seconds: float


@dataclass(frozen=True)
class GateVerdict:
    """The gate's verdict on `revision` (a full commit id) of a target, and the facts it rests on.

    `issued` and `expires` have a time zone. `suite` is the version of this package, `suite_commit`
    its commit, or '' if that is unknown. `world` is whose images were judged: those of the `lab`,
    or `live` for the registry itself. `doubts` are why the gate was inconclusive. `partial` says
    that not all checks were selected. `reasons` are those of the decision, the first to fix in
    front.
    """

    revision: str
    target: str
    suite: str
    suite_commit: str
    issued: datetime
    expires: datetime
    world: str
    kubernetes: str
    workloads: tuple[JudgedRelease, ...]
    checks: Checks
    partial: bool = False
    doubts: tuple[str, ...] = ()
    tiers: tuple[Tier, ...] = ()
    decision: Decision = Decision.INCONCLUSIVE
    reasons: tuple[str, ...] = field(default=())

    def decided(self) -> "GateVerdict":
        """Return the verdict with the decision that follows from its checks."""
        decision, reasons = decide(
            self.checks, self.workloads, partial=self.partial, doubts=self.doubts
        )
        return replace(self, decision=decision, reasons=reasons)

    def workload(self, name: str) -> JudgedRelease | None:
        """Return the workload that was judged under this name, or None."""
        return next((workload for workload in self.workloads if workload.name == name), None)


def check(workload: str, criterion: str) -> str:
    """Return the name of a check, such as `frontend REG-005`."""
    return f"{workload} {criterion}"


def failures(name: str, verdict: Verdict) -> tuple[Failure, ...]:
    """Return every cause in a criterion's verdict as a failure of the check `name`.

    A verdict without a cause that is no pass, such as an unknown one, has the unknown cause.
    """
    return tuple(
        Failure(name, str(one.cause or Cause.UNKNOWN), _short(one.evidence), _short(one.fix))
        for one in verdict.named
        if not verdict.passes
    )


def decide(
    checks: Checks, workloads: Iterable[JudgedRelease], *, partial: bool, doubts: Iterable[str]
) -> tuple[Decision, tuple[str, ...]]:
    """Return the decision on what was judged, with its reasons; missing facts never promote.

    A failure that is about the revision holds it, whatever else is unknown.
    """
    wrong = [each for each in checks.failed if each.check not in checks.optional]
    told = [str(each) for each in wrong if each.tells]
    untold = [str(each) for each in wrong if not each.tells]
    unknown = [*doubts, *untold, *_gaps(checks, tuple(workloads), partial=partial)]
    if told:
        return Decision.HOLD, (*told, *unknown)
    if unknown:
        return Decision.INCONCLUSIVE, tuple(unknown)
    return Decision.PROMOTE, ()


def _gaps(checks: Checks, workloads: tuple[JudgedRelease, ...], *, partial: bool) -> Iterator[str]:
    """Yield what a verdict lacks, each in one sentence."""
    if not workloads:
        yield "no workload was judged"
    if not checks.run:
        yield f"{Guard.SOMETHING_JUDGED}: no check was run"
    if partial:
        yield "not every check was selected"
    required = set(checks.declared) - set(checks.optional)
    yield from (f"{Guard.NO_SKIPS}: {each}" for each in checks.skipped if each in required)
    yield from _together("not run", [each for each in checks.missing if each in required])
    undeclared = [each for each in checks.run if each not in checks.declared]
    yield from (f"{each} was run and not declared" for each in undeclared)
    unnamed = dict.fromkeys(workload.reference for workload in workloads if not workload.image)
    if unnamed:
        yield f"no digest is known of {', '.join(unnamed)}"


def _together(what: str, found: list[str]) -> Iterator[str]:
    """Yield one sentence for all checks in `found`.

    A tier that ends the gate leaves many checks not run.
    """
    if len(found) == 1:
        yield f"{found[0]} was {what}"
    elif found:
        yield f"{len(found)} checks were {what}: {', '.join(found)}"


def to_document(verdict: GateVerdict) -> dict[str, Any]:
    """Return the verdict as a JSON document."""
    return {
        "schema": SCHEMA,
        **asdict(verdict),
        "issued": verdict.issued.isoformat(),
        "expires": verdict.expires.isoformat(),
    }


def from_document(document: Any) -> GateVerdict:
    """Return the verdict in a document of this schema.

    Raises VerdictError for any other document.
    """
    if not isinstance(document, dict):
        raise VerdictError(f"the document is no verdict of schema {SCHEMA}, and no JSON object")
    if document.get("schema") != SCHEMA:
        found = document.get("schema")
        raise VerdictError(f"the verdict's schema is {found!r}, and {SCHEMA} is what is known here")
    fields = {key: value for key, value in document.items() if key != "schema"}
    try:
        checks = dict(fields.pop("checks"))
        failed = tuple(Failure(**each) for each in checks.pop("failed"))
        verdict = GateVerdict(
            **{key: _frozen(value) for key, value in fields.items()}
            | {
                "issued": _moment(fields["issued"]),
                "expires": _moment(fields["expires"]),
                "workloads": tuple(
                    JudgedRelease(**{k: _frozen(v) for k, v in each.items()})
                    for each in fields["workloads"]
                ),
                "tiers": tuple(Tier(**each) for each in fields["tiers"]),
                "decision": Decision(fields["decision"]),
                "checks": Checks(**{k: _frozen(v) for k, v in checks.items()}, failed=failed),
            }
        )
        _check_types(verdict)
        return verdict
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise VerdictError(f"the document is no verdict of schema {SCHEMA}: {error}") from error


def _check_types(node: Any) -> None:
    """Raise TypeError if a field has another type than its class declares."""
    for declared in dataclass_fields(node):
        value, kind = getattr(node, declared.name), declared.type
        outer: Any = (int, float) if kind is float else get_origin(kind) or kind
        if not isinstance(value, outer) or (isinstance(value, bool) and kind is not bool):
            raise TypeError(f"{declared.name} is a {type(value).__name__}")
        if is_dataclass(value):
            _check_types(value)
        for item in value if isinstance(value, tuple) else ():
            if not isinstance(item, get_args(kind)[0]):
                raise TypeError(f"{declared.name} has a {type(item).__name__}")
            if is_dataclass(item):
                _check_types(item)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError(f"{text} has no time zone")
    return moment


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _short(text: str) -> str:
    text = redact(text)
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}…"
