"""What a live run came to, in lines for the terminal; made from result.json alone."""

from collections.abc import Iterator
from typing import Any

_SAID = {"holds": "holds", "fails": "FAILS", "cannot_tell": "CANNOT TELL"}


def live_summary(result: dict[str, Any]) -> list[str]:
    """Every verdict with its evidence; where it fails, what mends it and what that would change."""
    told = tuple(f"{verdict['id']}: " for verdict in result["verdicts"])
    doubts = [each for each in result["run"]["doubts"] if not each.startswith(told)]
    return [
        *(line for verdict in result["verdicts"] for line in _lines(verdict)),
        *(f"  CANNOT TELL  {each}" for each in (*doubts, *result["missing"])),
    ]


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
