"""The summary of a live run for the terminal, made from result.json."""

from collections.abc import Iterator
from typing import Any

from pullrecovery.common.plain_text import plain
from pullrecovery.tasks.order import fix_order

_SAID = {"holds": "holds", "fails": "FAILS", "cannot_tell": "CANNOT TELL"}


def live_summary(result: dict[str, Any]) -> list[str]:
    """Return the lines for every verdict with its evidence, and for a failure its fix and dry run.

    If several criteria of a release fail, the order of their fixes follows.
    """
    told = tuple(f"{verdict['id']}: " for verdict in result["verdicts"])
    doubts = [each for each in result["run"]["doubts"] if not each.startswith(told)]
    lines = [
        *(line for verdict in result["verdicts"] for line in _lines(verdict)),
        *_orders(result["verdicts"]),
        *(f"  CANNOT TELL  {each}" for each in (*doubts, *result["missing"])),
    ]
    return [plain(line) for line in lines]


def _orders(verdicts: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the order in which to fix the failed criteria of each release."""
    failing: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict["outcome"] == "fails":
            failing.setdefault(verdict["workload"], []).append(verdict["reg"])
    for workload, tasks in failing.items():
        if fix_order(tasks):
            yield f"  fix {workload}: {fix_order(tasks)}"


def _lines(verdict: dict[str, Any]) -> Iterator[str]:
    evidence = " ".join(verdict["evidence"].split())
    cause = f"{verdict['cause']}: " if verdict["cause"] else ""
    yield f"  {verdict['id']:<24} {_SAID[verdict['outcome']]:<12} {cause}{evidence}".rstrip()
    if verdict["outcome"] != "fails":
        return
    for other in verdict["others"]:
        yield f"      and        {other['cause']}: {other['evidence']}"
    yield f"      mend it:   {verdict['remedy']}"
    for line in verdict["advice"].splitlines():
        yield f"      dry run:   {line}"
