"""What a live run came to, in lines for the terminal; made from result.json alone."""

from collections.abc import Iterator
from typing import Any

from pullrecovery.common.plain_text import plain
from pullrecovery.tasks.order import fix_order

_SAID = {"holds": "holds", "fails": "FAILS", "cannot_tell": "CANNOT TELL"}


def live_summary(result: dict[str, Any]) -> list[str]:
    """Every verdict with its evidence; where it fails, what mends it and what that would change.

    Where several criteria of a workload fail, the order of their fixes follows.
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
    """In which order the failing criteria of each workload are fixed."""
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
