"""The summary of a live run for the terminal, made from result.json."""

from collections.abc import Iterator, Sequence

from pullrecovery.common.plain_text import plain
from pullrecovery.report.records import Result, VerdictRecord
from pullrecovery.tasks.order import fix_order


def live_summary(result: Result) -> list[str]:
    """Return the lines for every verdict with its evidence, and for a failure its fix and plan.

    If several criteria of a release fail, the order of their fixes follows.
    """
    shown = tuple(f"{verdict.id}: " for verdict in result.verdicts)
    unknowns = [reason for reason in result.run.unknowns if not reason.startswith(shown)]
    lines = [
        *(line for verdict in result.verdicts for line in _lines(verdict)),
        *_orders(result.verdicts),
        *(f"  unknown  {reason}" for reason in (*unknowns, *result.missing)),
    ]
    return [plain(line) for line in lines]


def _orders(verdicts: Sequence[VerdictRecord]) -> Iterator[str]:
    """Yield the order in which to fix the failed criteria of each release."""
    failing: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.outcome == "fail":
            failing.setdefault(verdict.release, []).append(verdict.criterion)
    for release, tasks in failing.items():
        if fix_order(tasks):
            yield f"  fix {release}: {fix_order(tasks)}"


def _lines(verdict: VerdictRecord) -> Iterator[str]:
    evidence = " ".join(verdict.evidence.split())
    cause = f"{verdict.cause}: " if verdict.cause else ""
    yield f"  {verdict.id:<24} {verdict.outcome:<12} {cause}{evidence}".rstrip()
    if verdict.outcome != "fail":
        return
    for other in verdict.others:
        yield f"      and        {other.cause}: {other.evidence}"
    yield f"      fix:       {verdict.fix}"
    for line in verdict.plan.splitlines():
        yield f"      plan:      {line}"
