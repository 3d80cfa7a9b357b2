"""Read a YAML document as a pydantic model; every error names its file and line."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ghcr_emulator.documents.model import Model
from ghcr_emulator.documents.problems import (
    DocumentError,
    Place,
    Problem,
    ProblemsError,
    in_lines,
    passes,
    validate,
)

ModelT = TypeVar("ModelT", bound=Model)
_PROBLEMS: Final = {"DuplicateKeyError": "a key is there twice"}
# Errors of ruamel.yaml beside its own classes, such as those of invalid dates and numbers.
_OTHERS: Final = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError)


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A document as ruamel.yaml's round-trip loader returns it; `source` is its file."""

    source: str
    node: Any

    def read(self, model: type[ModelT]) -> ModelT:
        """Return the document as `model`; raises DocumentError."""
        try:
            read: ModelT = validate(model, self.node, f"the {model.called}")
        except ProblemsError as error:
            problems = error.problems
        else:
            return read
        raise self.error(problems)

    def check(self, problems: Iterable[Problem]) -> None:
        """Raise the DocumentError of these problems, if there are any."""
        found = list(problems)
        if found:
            raise self.error(found)

    def error(self, problems: Iterable[Problem]) -> DocumentError:
        """Return the error of these problems, in the order of their lines."""
        placed = [(self.line(problem.place), problem.sentence) for problem in problems]
        placed.sort(key=lambda one: one[0])
        return in_lines([f"{self.source}:{line}: {sentence}" for line, sentence in placed])

    def line(self, place: Place) -> int:
        """Return the line of a place; for a missing key, the line where its mapping begins."""
        node = self.node
        line = _first_line(node, 1)
        for at, part in enumerate(place):
            if passes(node, part):
                line = node.lc.data[part][0] + 1 if part in (node.lc.data or {}) else line
                node = node[part]
            elif at == len(place) - 1:
                line = _first_line(node, line)
        return line


def read_yaml(text: bytes, source: str) -> YamlDocument:
    """Read a YAML document; raises DocumentError, which quotes nothing of the document."""
    yaml = YAML(typ="rt", pure=True)
    try:
        return YamlDocument(source, yaml.load(text))
    except MarkedYAMLError as error:
        # The parser's own message could quote the text, and a token in it.
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        sentence = _PROBLEMS.get(type(error).__name__, "this is not YAML")
        raise DocumentError(f"{source}:{line}: {sentence}") from None
    except (YAMLError, *_OTHERS):
        raise DocumentError(f"{source}:1: this is not YAML") from None


def _first_line(node: Any, line: int) -> int:
    return int(node.lc.line) + 1 if isinstance(node, CommentedMap) else line
