"""The part of requirements.lock that the package needs to run, without development tools.

uv's `# via` comments in the lock say which package needs which.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker

from pullrecovery.common.suite_files import SUITE_ROOT

LOCK = SUITE_ROOT / "requirements.lock"
_ENTRY = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>\S+)(?P<rest>.*)")
_OURS = "pull-recovery (pyproject.toml)"


@dataclass(frozen=True)
class Locked:
    """One package of the lock, with its `--hash` lines and the packages that need it."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    needed_by: frozenset[str]

    def lines(self) -> str:
        """Return the entry without its marker, which was evaluated for the image."""
        return " \\\n    ".join((f"{self.name}=={self.version}", *self.hashes)) + "\n"


def runtime(lock: Path = LOCK, environment: Mapping[str, str] | None = None) -> list[Locked]:
    """Return the packages that this project needs at run time, in the lock's order.

    `environment` overrides values for markers, such as `python_full_version`, if they are not those
    of this Python.
    """
    locked = [_parse(block) for block in _blocks(lock.read_text())]
    found: set[str] = {_OURS}
    while True:
        more = {each.name for each in locked if each.needed_by & found} - found
        if not more:
            break
        found |= more
    return [each for each in locked if each.name in found and _applies(each, environment)]


def _blocks(text: str) -> list[list[str]]:
    """Return the lines of each package; lines before the first package are dropped."""
    blocks: list[list[str]] = []
    for line in text.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            blocks.append([])
        if blocks:
            blocks[-1].append(line)
    return blocks


def _parse(block: list[str]) -> Locked:
    first = _ENTRY.match(block[0].removesuffix("\\").strip())
    if first is None:
        raise ValueError(f"no entry of a lock: {block[0]}")
    rest = [line.strip().removesuffix("\\").strip() for line in block[1:]]
    comments = [line.removeprefix("#").strip() for line in rest if line.startswith("#")]
    needed_by = {line.removeprefix("via").strip() for line in comments} - {""}
    return Locked(
        name=first["name"],
        version=first["version"],
        marker=first["rest"].strip().removeprefix(";").strip(),
        hashes=tuple(line for line in rest if line.startswith("--hash=")),
        needed_by=frozenset(needed_by),
    )


def _applies(locked: Locked, environment: Mapping[str, str] | None) -> bool:
    return not locked.marker or Marker(locked.marker).evaluate(dict(environment or {}))
