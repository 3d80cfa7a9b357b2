"""`demo-picture`: draws what `make demo` printed as an SVG, for the README."""

import io
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pullrecovery.common.suite_files import SUITE_ROOT

PICTURE = SUITE_ROOT / "docs" / "img" / "demo.svg"
_COLUMNS = 96
_FIRST, _OTHER = 6, 2
# Columns in front of a line's text, for its label.
_LABELLED = 23
# A step begins with its second of the run.
_STEP = re.compile(r" +\d+ s  ")
_STYLES = (
    (re.compile(r"^ +\d+ s  .*"), "bold cyan"),
    (re.compile(r"(?<=REG-\d{3} )[a-z]+\.[a-z-]+(?:, [a-z]+\.[a-z-]+)*"), "red"),
    (re.compile(r"REG-\d{3}"), "bold"),
    (re.compile(r"OK +\S+: every criterion .*"), "bold green"),
)
# The picture loads no font from elsewhere.
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def draw_demo(log: Path) -> int:
    """Write docs/img/demo.svg from a log of `make demo`: each step, its first lines, the end."""
    # Width and height are those of the drawing; nothing of it is printed.
    console = Console(record=True, width=_COLUMNS, file=io.StringIO())
    console.print(Text("$ make demo", "bold"))
    for line in _shortened(log.read_text(encoding="utf-8").splitlines()):
        text = Text(line)
        for pattern, style in _STYLES:
            text.highlight_regex(pattern, style)
        console.print(text, no_wrap=True, overflow="ellipsis")
    PICTURE.parent.mkdir(exist_ok=True)
    drawn = console.export_svg(title="pull-recovery", unique_id="demo")
    PICTURE.write_text(_FONTS.sub("", drawn), encoding="utf-8")
    print(PICTURE)
    return 0


def _shortened(lines: list[str]) -> list[str]:
    """Return of the first and the last step all that fits, and of the others two lines each."""
    steps = _steps(lines)
    shown = [*steps[0][: _FIRST + 1]]
    for step in steps[1:-1]:
        shown += step[: _OTHER + 1]
    return [*shown, *steps[-1]]


def _steps(lines: list[str]) -> list[list[str]]:
    """Return the lines of each step; lines before the first one and after the last are left out."""
    steps: list[list[str]] = []
    for line in lines:
        if _STEP.match(line):
            steps.append([line])
        elif steps and line.startswith(" " * 9):
            _append(steps[-1], line)
        elif steps and line.strip():
            break
    if not steps:
        raise ValueError("no step: the log is not that of `make demo`")
    return steps


def _append(step: list[str], line: str) -> None:
    """Add a line to a step; one that continues the line before is joined to it again."""
    if line.startswith(" " * _LABELLED):
        step[-1] += f" {line.strip()}"
    else:
        step.append(line)
