"""Check a target's Dockerfile for addresses that the engine would fetch."""

import re
from collections.abc import Iterator
from pathlib import Path

from pullrecovery.common.errors import UsageError

# The engine itself fetches an address in ADD, from its machine's network.
_ADD = re.compile(r"\s*(?:onbuild\s+)*add\b(.*)", re.IGNORECASE)
# Without these characters an argument cannot be an address, whatever its quotes and variables.
_ADDRESS = re.compile(r"[:$\\`]")
# A directive at the top makes either the escape character that continues a line.
_ESCAPES = ("\\", "`")


def check_dockerfile(file: Path) -> None:
    """Raise UsageError if the Dockerfile has an ADD that may name an address."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.") from error
    for number, line in _instructions(lines):
        added = _ADD.match(line)
        if added and _ADDRESS.search(added[1]):
            raise UsageError(
                f"{file}:{number}: `{line.strip()[:100]}`: ADD may fetch an address on the engine's"
                " machine; commit the file and use COPY."
            )


def _instructions(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield every line with its number, and the lines joined by either escape character."""
    yield from enumerate(lines, start=1)
    kept = [(at, line) for at, line in enumerate(lines, start=1) if not _is_left_out(line)]
    for escape in _ESCAPES:
        whole, begun = "", 0
        for number, line in kept:
            begun = begun or number
            whole += line.rstrip().removesuffix(escape)
            if not line.rstrip().endswith(escape):
                yield begun, whole
                whole, begun = "", 0


def _is_left_out(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")
