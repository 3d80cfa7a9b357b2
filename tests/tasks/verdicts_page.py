"""Write docs/verdicts.md and tests/golden/verdicts.txt: what the criteria print.

The page has every situation; the golden file has each cause once, and is small enough to review.
Run `.venv/bin/python -m tests.tasks.verdicts_page` after a change of a message.
"""

import re
from collections.abc import Iterator, Mapping
from textwrap import indent

from pullrecovery.common.suite_files import SUITE_ROOT
from pullrecovery.model.observation import Observation
from pullrecovery.model.verdict import Cause, Outcome, Verdict
from pullrecovery.tasks import judge
from tests.fakes.situations import SUBJECTS

PAGE = SUITE_ROOT / "docs" / "verdicts.md"
GOLDEN = SUITE_ROOT / "tests" / "golden" / "verdicts.txt"
_LONG = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b")
_OPENING = """\
# Verdicts

What each criterion says for each situation: every cause with what was seen and what fixes it, in the order in
which to fix them, or that the outcome is unknown, and why. If every criterion passes, all of them are listed.
The situations are observations made in the lab, or one fact away from one (`tests/fakes/situations.py`), of the
frontend of the sample. Commits and digests are cut to their first twelve digits.

Written by `.venv/bin/python -m tests.tasks.verdicts_page`. A test compares the page with the code, so a change of
a message is reviewed here.
"""


def told(observation: Observation) -> str:
    """Return the failing criteria, each cause with evidence and fix, as indented text.

    If none fails, it has all criteria.
    """
    verdicts = judge(observation)
    failing = {reg: verdict for reg, verdict in verdicts.items() if not verdict.passes}
    shown = failing or verdicts
    return _shortened("".join(_criterion(reg, shown[reg]) for reg in shown))


def _shortened(text: str) -> str:
    """Return the text with commits and digests cut to their first twelve digits."""
    return _LONG.sub(r"\1…", text)


def _criterion(reg: str, verdict: Verdict) -> str:
    if verdict.cause is None:
        return f"{reg} {verdict.outcome}{' outcome' * (verdict.outcome is Outcome.UNKNOWN)}\n{_item('seen', verdict.evidence)}"
    return "".join(
        f"{reg} {one.cause}\n{_item('seen', one.evidence)}{_item('fix ', one.fix)}"
        for one in verdict.named
    )


def _item(name: str, text: str) -> str:
    if not text:
        return ""
    return indent(f"{name}  {text.strip()}\n".replace("\n", "\n      ").rstrip() + "\n", "  ")


def page(subjects: Mapping[str, Mapping[str, Observation]] = SUBJECTS) -> str:
    """Return the whole page as Markdown."""
    return "\n".join((_OPENING, *_sections(subjects)))


def _sections(subjects: Mapping[str, Mapping[str, Observation]]) -> Iterator[str]:
    for subject, situations in subjects.items():
        yield f"## {subject}\n"
        for name, seen in situations.items():
            yield f"### {heading(name)}\n\n```text\n{told(seen)}```\n"


def heading(name: str) -> str:
    """Return a situation's name with its first letter in upper case."""
    return f"{name[:1].upper()}{name[1:]}"


def texts() -> dict[Cause, str]:
    """Return the text of each cause, in the order of `Cause`."""
    first: dict[Cause, str] = {}
    for where, verdict in _verdicts():
        if verdict.cause and verdict.cause not in first:
            first[verdict.cause] = _text(where, verdict)
    return {cause: first[cause] for cause in Cause if cause in first}


def _verdicts() -> Iterator[tuple[str, Verdict]]:
    """Yield every cause of every situation, with the criterion that names it."""
    for subject, situations in SUBJECTS.items():
        for name, observation in situations.items():
            for reg, verdict in judge(observation).items():
                for named in verdict.named:
                    yield f"{reg}; {subject}: {name}", named


def _text(where: str, verdict: Verdict) -> str:
    items = (("evidence", verdict.evidence), ("fix", verdict.fix))
    lines = (f"{label:8}  {indent(text.strip(), ' ' * 12).strip()}" for label, text in items)
    return _shortened("\n".join([f"{verdict.cause}  ({where})", *(f"  {line}" for line in lines)]))


def golden() -> str:
    """Return the whole file."""
    return "\n\n".join(texts().values()) + "\n"


def main() -> None:
    """Write the page and the golden file."""
    PAGE.write_text(page())
    GOLDEN.write_text(golden())


if __name__ == "__main__":
    main()
