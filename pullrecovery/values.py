"""Editing values files: one key changed, comments and all else kept."""

import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


def edit_values(file: Path, key: str, change: Callable[[Any], Any]) -> None:
    """Set the dotted `key` of `file` to `change(old value)`; missing parents are made."""
    yaml = YAML()
    yaml.preserve_quotes = True
    # Lines that nobody edits keep their length.
    yaml.width = sys.maxsize
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(file.read_text()) or {}
    *parents, last = key.split(".")
    node = document
    for parent in parents:
        if not isinstance(node.get(parent), dict):
            node[parent] = {}
        node = node[parent]
    node[last] = change(node.get(last))
    buffer = StringIO()
    yaml.dump(document, buffer)
    file.write_text(buffer.getvalue())
