"""Reading YAML that must have exactly the right shape; every error names its file and line.

Errors name keys, names, lines and types, and never what is or looks like a token: it may stand in
the wrong place.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError


class BlockError(ValueError):
    """`file:line: one sentence` on what is wrong with a document."""


class Item(NamedTuple):
    """A text of a list, and the line it stands in."""

    text: str
    line: int


_KINDS: Final = {
    str: "a text",
    bool: "true or false",
    int: "a number",
    type(None): "nothing",
    CommentedSeq: "a list",
    CommentedMap: "a mapping",
}
_PROBLEMS: Final = {"DuplicateKeyError": "a key is there twice"}
# GitHub's prefixes: classic, OAuth, user, server, refresh, fine-grained.
_TOKEN: Final = re.compile(r"\b(?:gh[pousr]|github_pat)_\w+")


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping of the document; `what` is what errors call it, `line` where it begins."""

    source: str
    what: str
    line: int
    node: CommentedMap

    def fail(self, sentence: str, line: int | None = None) -> BlockError:
        """Return the error that says this of a line, by default that of the mapping."""
        shown = _TOKEN.sub("[a token]", sentence)
        return BlockError(f"{self.source}:{line or self.line}: {shown}")

    def line_of(self, key: str) -> int:
        """Return the line in which a key stands."""
        places = self.node.lc.data or {}
        return int(places[key][0]) + 1 if key in places else self.line

    def check_keys(self, known: Collection[str]) -> None:
        """Refuse every key but the known ones."""
        for key in self.node:
            if key not in known:
                raise self.fail(
                    f"{self.what} has no key {str(key)[:40]!r}; the keys are {', '.join(known)}",
                    self.line_of(key),
                )

    def __contains__(self, key: str) -> bool:
        return key in self.node

    def text(self, key: str, default: str | None = None) -> str:
        """Return a printable text that is not empty."""
        if key not in self.node and default is not None:
            return default
        if key not in self.node:
            raise self.fail(f"{self.what} lacks {key!r}")
        value = self.node[key]
        if not isinstance(value, str):
            raise self._wrong(key, "a text", value)
        if not value or not value.isprintable():
            raise self.fail(f"{key!r} must be printable, and not empty", self.line_of(key))
        return str(value)

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """Return a text that is one of `allowed`."""
        value = self.text(key, default)
        if value not in allowed:
            raise self.fail(f"{key!r} must be one of {', '.join(allowed)}", self.line_of(key))
        return value

    def flag(self, key: str) -> bool:
        """Return true or false, an absent one as false."""
        value = self.node.get(key, False)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false", value)
        return value

    def items(self, key: str) -> list[Item]:
        """Return a list of texts, an absent one as empty."""
        value = self.node.get(key)
        if key not in self.node:
            return []
        if not isinstance(value, CommentedSeq):
            raise self._wrong(key, "a list of texts", value)
        found = []
        for index, text in enumerate(value):
            line = int(value.lc.data[index][0]) + 1
            if not isinstance(text, str) or not text or not text.isprintable():
                raise self.fail(f"{key!r} must hold printable texts that are not empty", line)
            found.append(Item(str(text), line))
        return found

    def values(self, key: str) -> dict[str, object]:
        """Return a mapping as it stands, an absent one as empty."""
        return dict(self._mapping(key).node)

    def block(self, key: str) -> "Block":
        """Return a mapping below this one, an absent one as empty."""
        return self._mapping(key)

    def blocks(self, key: str, what: str) -> Iterator[tuple[str, "Block"]]:
        """Give the mappings of a mapping by their names; one without anything in it is empty."""
        parent = self._mapping(key)
        for name in parent.node:
            if not isinstance(name, str):
                raise parent.fail(f"a name in {key!r} must be a text", parent.line_of(name))
            called = f"{what} {name[:80]!r}"
            yield name, parent._mapping(name, called)  # noqa: SLF001  # one of its own kind

    def _mapping(self, key: str, what: str | None = None) -> "Block":
        value = self.node.get(key)
        line = self.line_of(key)
        if value is None:
            value = CommentedMap()
        if not isinstance(value, CommentedMap):
            raise self._wrong(key, "a mapping", value)
        return Block(self.source, what or repr(key), line, value)

    def _wrong(self, key: str, wanted: str, value: object) -> BlockError:
        kind = next((name for kind, name in _KINDS.items() if isinstance(value, kind)), "neither")
        return self.fail(f"{key!r} must be {wanted}, and is {kind}", self.line_of(key))


def read_block(text: bytes, source: str, what: str) -> Block:
    """Read a YAML document that is a mapping; raises BlockError.

    `source` is what errors call the file, `what` what they call the mapping.
    """
    yaml = YAML(typ="rt", pure=True)
    try:
        node = yaml.load(text)
    except MarkedYAMLError as error:
        # The parser's own message could quote the text, and a token in it.
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        sentence = _PROBLEMS.get(type(error).__name__, "this is not YAML")
        raise BlockError(f"{source}:{line}: {sentence}") from None
    except (YAMLError, ValueError, RecursionError):
        raise BlockError(f"{source}:1: this is not YAML") from None
    if not isinstance(node, CommentedMap):
        raise BlockError(f"{source}:1: {what} must be a mapping")
    return Block(source, what, 1, node)
