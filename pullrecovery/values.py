"""Editing values files: one key changed, comments and all else kept."""

import sys
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


def edit_values(file: Path, key: str, change: Callable[[Any], Any]) -> None:
    """Set the dotted `key` of `file` to `change(old value)`; missing parents are made."""
    file.write_text(edited(file.read_text(), key, change))


def edited(text: str, key: str, change: Callable[[Any], Any]) -> str:
    """`text`, a values file's, with the dotted `key` set to `change(old value)`."""
    yaml = YAML()
    yaml.preserve_quotes = True
    # Lines that nobody edits keep their length.
    yaml.width = sys.maxsize
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(text) or {}
    *parents, last = key.split(".")
    node = document
    for parent in parents:
        if not isinstance(node.get(parent), dict):
            node[parent] = {}
        node = node[parent]
    node[last] = change(node.get(last))
    buffer = StringIO()
    yaml.dump(document, buffer)
    return buffer.getvalue()


def keys_naming(files: Iterable[Path], text: str) -> list[str]:
    """The dotted keys under which the values of `files`, the later over the earlier, hold `text`.

    Lists replace one another, mappings are merged, as Helm does it.
    """
    merged: dict[str, Any] = {}
    for file in files:
        merged = _merged(merged, YAML(typ="safe").load(file.read_text()))
    return list(dict.fromkeys(_keys(merged, text, ())))


def _merged(under: Any, over: Any) -> Any:
    if over is None:
        return under
    if not isinstance(under, dict) or not isinstance(over, dict):
        return over
    return under | {key: _merged(under.get(key), value) for key, value in over.items()}


def _keys(node: Any, text: str, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _keys(value, text, (*path, str(key)))
    elif isinstance(node, list):
        for item in node:
            # A list of references is known by its own key, not by the `name` in its entries.
            held = item.values() if isinstance(item, dict) else [item]
            if text in held:
                yield ".".join(path)
    elif node == text:
        yield ".".join(path)
