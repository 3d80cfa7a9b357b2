"""Edit a key of a values file without changing comments or other lines."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from ruamel.yaml.tokens import CommentToken
from ruamel.yaml.util import load_yaml_guess_indent

from pullrecovery.common.yaml_reading import UnreadableYamlError, load_yaml

# Words that YAML 1.1, and so Helm, reads as booleans, and YAML 1.2 as strings.
_BOOLEANS_OF_HELM = frozenset(
    spelt
    for word in ("y", "n", "yes", "no", "on", "off")
    for spelt in (word, word.capitalize(), word.upper())
)
# Indentation of lists below their key, if the file has no list to copy from.
_OFFSET = 2
_INDENTED = re.compile(
    r"^[^\s#-][^#\n]*:[ ]*(?:#.*)?\n(?:[ ]*(?:#.*)?\n)*([ ]+)[^\s#-]", re.MULTILINE
)

Change = Callable[[Any], Any]


def set_values(file: Path, values: Mapping[str, object]) -> None:
    """Set each dotted key of `file` to its value; missing parents are created."""
    changes = {key: becomes(value) for key, value in values.items()}
    file.write_text(edited(file.read_text(), changes))


def becomes(value: object) -> Change:
    """A change to `value`, whatever the old value is."""
    return lambda _: value


def edited(text: str, changes: Mapping[str, Change]) -> str:
    """The values `text` with each dotted key replaced by its change of the old value.

    Missing parents are created. Unchanged lines keep their spelling, and new lines are indented
    like the others. Raises UnreadableYamlError if the text is not a values file.
    """
    if not isinstance(load_yaml(text, "values"), dict | None):
        raise UnreadableYamlError("values:1: it must be a mapping, as Helm takes no other.")
    yaml = _yaml_of(text)
    before = yaml.load(text)
    if not isinstance(before, dict):
        # A file with only comments: they belong to no key, so ruamel.yaml would lose them.
        before, comments = CommentedMap(), _without_value(text)
        _set_all(before, changes)
        yaml.explicit_start = False
        return "".join(f"{line}\n" for line in comments) + _dumped(yaml, before)
    normal = _dumped(yaml, before)
    _set_all(before, changes)
    wanted = _dumped(yaml, before)
    carried = _carry(text, normal, wanted)
    return carried if carried == wanted or _means(carried, wanted) else wanted


def _without_value(text: str) -> list[str]:
    """The lines of a file that has no mapping: comments, blank lines, the start of a document."""
    return [line for line in text.splitlines() if re.fullmatch(r"\s*(#.*|---)?", line)]


def _yaml_of(text: str) -> YAML:
    """A round-trip YAML that indents mappings and lists as `text` does."""
    _, indent, offset = load_yaml_guess_indent(text)
    mapping = _INDENTED.search(text)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.explicit_start = text.startswith("---") or "\n---" in text
    # Unedited lines keep their length.
    yaml.width = sys.maxsize
    offset = _OFFSET if offset is None or indent is None else offset
    yaml.indent(mapping=len(mapping[1]) if mapping else 2, sequence=offset + 2, offset=offset)
    return yaml


def _set_all(document: Any, changes: Mapping[str, Change]) -> None:
    for key, change in changes.items():
        _set(document, key, change)


def _set(document: Any, key: str, change: Change) -> None:
    *parents, last = key.split(".")
    node = document
    for parent in parents:
        if not isinstance(node.get(parent), dict):
            _replace(node, parent, CommentedMap())
        node = node[parent]
    _replace(node, last, _quoted(change(node.get(last))))


def _replace(node: CommentedMap, key: str, value: Any) -> None:
    """Set a key; the comments and blank lines that follow its old value follow the new one.

    ruamel.yaml stores them with the last key or item within the value.
    """
    old = node.get(key)
    if key in node and type(old) is type(value) and old == value:
        return
    holder, last = _last(node, key)
    comment = _take_comment(holder, last, old)
    node[key] = _commented(value)
    if comment is None:
        return
    in_line, line_feed, following = comment.value.partition("\n")
    in_line = f"{in_line}\n" if in_line and holder is node else ""
    holder, last = _last(node, key)
    if holder is not node and in_line:
        _give_comment(node, key, comment, in_line)
        in_line = ""
    if in_line or following:
        _give_comment(holder, last, comment, f"{in_line or line_feed}{following}")


def _last(node: Any, key: Any) -> tuple[Any, Any]:
    """The innermost block mapping or list that ends with a value, and the last key in it."""
    value = node.get(key)
    while isinstance(value, CommentedMap | CommentedSeq) and value and not value.fa.flow_style():
        node, key = value, len(value) - 1 if isinstance(value, list) else next(reversed(value))
        value = node[key]
    return node, key


def _take_comment(holder: Any, key: Any, old: Any) -> Any:
    """Remove and return the comment in the line of a value, with what follows the line."""
    tokens, slot = holder.ca.items.get(key), 0 if isinstance(holder, list) else 2
    if tokens and len(tokens) > slot and tokens[slot]:
        token, tokens[slot] = tokens[slot], None
        return token
    # That of a text in several lines.
    return getattr(old, "comment", None)


def _give_comment(holder: Any, key: Any, old: Any, text: str) -> None:
    slots: list[Any] = [None, None, None, None]
    slots[0 if isinstance(holder, list) else 2] = CommentToken(text, old.start_mark, None)
    holder.ca.items[key] = slots


def _commented(value: Any) -> Any:
    """A value whose mappings and lists can have comments."""
    if isinstance(value, CommentedMap | CommentedSeq):
        return value
    if isinstance(value, dict):
        return CommentedMap((key, _commented(item)) for key, item in value.items())
    return CommentedSeq(map(_commented, value)) if isinstance(value, list) else value


def _quoted(value: Any) -> Any:
    """Return `value` with quotes around every string that Helm would read as a boolean."""
    if isinstance(value, dict):
        for key in value:
            value[key] = _quoted(value[key])
    elif isinstance(value, list):
        value[:] = [_quoted(item) for item in value]
    elif type(value) is str and value in _BOOLEANS_OF_HELM:
        return DoubleQuotedScalarString(value)
    return value


def _dumped(yaml: YAML, document: Any) -> str:
    buffer = StringIO()
    yaml.dump(document, buffer)
    return buffer.getvalue()


def _means(text: str, wanted: str) -> bool:
    try:
        return bool(YAML(typ="safe").load(text) == YAML(typ="safe").load(wanted))
    except YAMLError:
        return False


def _carry(text: str, normal: str, wanted: str) -> str:
    """Apply the change from `normal` to `wanted` to `text`, another spelling of `normal`.

    Lines that `normal` and `wanted` share are taken from `text`. If not every line of `text` has a
    counterpart, `wanted` itself is returned.
    """
    own, plain, new = (version.splitlines(keepends=True) for version in (text, normal, wanted))
    if len(own) != len(plain):
        return wanted
    result: list[str] = []
    for kind, first, last, start, end in SequenceMatcher(None, plain, new).get_opcodes():
        result += own[first:last] if kind == "equal" else new[start:end]
    return "".join(result)


def keys_naming(files: Iterable[Path], text: str) -> list[str]:
    """The dotted keys whose values in `files` contain `text`; later files override earlier.

    Lists replace one another and mappings are merged, as in Helm.
    """
    merged: dict[str, Any] = {}
    for file in files:
        merged = _merged(merged, _readable(file))
    return list(dict.fromkeys(_keys(merged, text, ())))


def _readable(file: Path) -> Any:
    """Return the file's document; None if it is not YAML, which Helm reports."""
    try:
        return load_yaml(file.read_text(encoding="utf-8"), str(file))
    except (UnreadableYamlError, OSError, UnicodeDecodeError):
        return None


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
            # A list of references is identified by its own key, not by the `name` in its entries.
            held = item.values() if isinstance(item, dict) else [item]
            if text in held:
                yield ".".join(path)
    elif node == text:
        yield ".".join(path)
