"""Check the schemas of a chart's values, whose references Helm loads from file or network."""

import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pullrecovery.common.process import CommandError

_NAME = "values.schema.json"
_PACKED = (".tgz", ".tar.gz")
_REFERRING = ("$ref", "$dynamicRef", "$recursiveRef")
# Helm includes these schemas.
_KNOWN = re.compile(r"https?://json-schema\.org/draft(-0[3-7]|/2019-09|/2020-12)/schema#?")
# Maximum size in bytes of an unpacked archive; Helm has the same limit.
_LONGEST = 100 * 2**20


class RefusedChartError(CommandError):
    """A chart that the suite does not pass to Helm; `output` says why."""

    def __init__(self, words: str) -> None:
        super().__init__(["helm"], 1, words)
        self.args = (self.output,)


def check_schemas(chart: Path) -> None:
    """Raise RefusedChartError if a schema of the chart refers to anything beyond itself.

    Helm would read the file on this machine, or send the request from it. Dependencies below
    charts/ are checked too, including packed ones.
    """
    for name, content in _schemas(chart):
        try:
            outer = next(_outer(json.loads(content)), "")
        except (ValueError, RecursionError) as error:
            raise RefusedChartError(f"{name} is no JSON: {type(error).__name__}") from error
        if outer:
            raise RefusedChartError(
                f"{name} refers to {outer!r}, which is not in it: Helm would load it from this"
                " machine or the network. Copy what it refers to into the schema ($defs)."
            )


def _schemas(chart: Path) -> Iterator[tuple[str, bytes]]:
    """Every schema below the chart's directory, by its path; linked directories are entered."""
    entered = set()
    for folder, folders, files in os.walk(chart, followlinks=True):
        if (place := os.path.realpath(folder)) in entered:
            folders.clear()
            continue
        entered.add(place)
        for name in files:
            path = Path(folder, name)
            shown = str(Path(chart.name) / path.relative_to(chart))
            if name == _NAME:
                yield shown, path.read_bytes()
            elif name.endswith(_PACKED):
                yield from _packed(shown, path.read_bytes())


def _packed(name: str, archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Every schema in a packed chart, and in the charts packed in it."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            left = _LONGEST
            for member in tar:
                left -= member.size
                if left < 0:
                    raise RefusedChartError(f"{name} has more than {_LONGEST} bytes")
                if not member.name.endswith((_NAME, *_PACKED)):
                    continue
                file = tar.extractfile(member)
                shown, content = f"{name}/{member.name}", file.read() if file else b"{}"
                if member.name.endswith(_NAME):
                    yield shown, content
                else:
                    yield from _packed(shown, content)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise RefusedChartError(f"{name} is no packed chart: {error}") from error


def _outer(node: Any) -> Iterator[str]:
    """The references of a schema that lead beyond it."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str):
                inside = value.startswith("#") if key in _REFERRING else _KNOWN.fullmatch(value)
                if key in (*_REFERRING, "$schema") and not inside:
                    yield value
            yield from _outer(value)
    elif isinstance(node, list):
        for item in node:
            yield from _outer(item)
