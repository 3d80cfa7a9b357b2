"""The mistakes of a document, with one sentence for each.

A sentence names keys, names, types and what was expected. It quotes no value of a document, and
nothing that looks like a token, because a value may be a secret in the wrong place.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from ghcr_emulator.documents.model import Model

Place: TypeAlias = tuple[str | int, ...]

# The phrase that reports an unknown key.
NO_SUCH_KEY: Final = "has no key"
# The most lines of an error: a page of a terminal.
_MOST: Final = 30
# How similar an unknown key is to the missing one that it misspells, from 0 to 1.
_MISSPELT: Final = 0.8
_EXPECTED: Final = {
    "string_type": "a text",
    "string_unicode": "a text in Unicode",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_TYPES: Final = (
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number"),
    (str, "a text"),
    (list, "a list"),
    (dict, "a mapping"),
    (type(None), "nothing"),
)
# GitHub's prefixes: classic, OAuth, user, server, refresh, fine-grained. PEM begins with dashes.
_SECRET: Final = re.compile(r"\b(?:gh[pousr]|github_pat)_\w+|-----BEGIN.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: its place in the document, and its description."""

    place: Place
    sentence: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "sentence", _SECRET.sub("[a token]", self.sentence))


class DocumentError(ValueError):
    """The error of a document: one sentence for each mistake, on separate lines."""


class ProblemsError(Exception):
    """A document does not fit its model; the readers add the file and line of each place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__()
        self.problems = problems


def validate(model: Any, document: object, what: str) -> Any:
    """Return `document` as `model`, a Model or the adapter of a union; raises ProblemsError.

    `what` is the name of the document in errors.
    """
    models: dict[int, type[Model]] = {}
    adapter = TypeAdapter(model) if isinstance(model, type) else model
    try:
        return adapter.validate_python(document, context=models)
    except ValidationError as error:
        details = _without_misspelt(error.errors(include_url=False))
    raise ProblemsError([_Reported(detail, document, models, what).problem() for detail in details])


def _without_misspelt(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Missing keys last, without those that are there under a misspelt name, which is reported."""
    unknown = [detail["loc"] for detail in details if detail["type"] == "extra_forbidden"]

    def is_misspelt(place: Place) -> bool:
        beside = [str(other[-1]).lower() for other in unknown if other[:-1] == place[:-1]]
        return bool(get_close_matches(str(place[-1]).lower(), beside, cutoff=_MISSPELT))

    missing = [detail for detail in details if detail["type"] == "missing"]
    wrong = [detail for detail in details if detail["type"] != "missing"]
    return [*wrong, *(detail for detail in missing if not is_misspelt(detail["loc"]))]


def in_lines(sentences: Sequence[str]) -> DocumentError:
    """Return one error of all sentences, or of the first ones if there are very many."""
    more = len(sentences) - _MOST
    rest = [f"and {more} mistakes more"] if more > 0 else []
    return DocumentError("\n".join([*sentences[:_MOST], *rest]))


def shown(part: str | int) -> str:
    """Return a part of a place as sentences name it: a key, or an item of a list."""
    return f"item {part + 1}" if isinstance(part, int) else repr(part[:80])


@dataclass(frozen=True, slots=True)
class _Reported:
    """A mistake as pydantic reports it, in a document; `models` are those of its mappings."""

    detail: ErrorDetails
    document: Any
    models: Mapping[int, type[Model]]
    what: str

    def problem(self) -> Problem:
        place, kind = self._place(), self.detail["type"]
        if place[-1:] == ("[key]",):
            names = self._container(place[:-2])[1]
            return Problem(place[:-1], f"a name in {names} must be a text that is printable")
        container, called = self._container(place[:-1])
        if kind in {"extra_forbidden", "invalid_key"}:
            model = self.models.get(id(container), Model)
            known = ", ".join(one.alias or key for key, one in model.model_fields.items())
            sentence = f"{called} {NO_SUCH_KEY} {str(place[-1])[:80]!r}; the keys are {known}"
        elif kind == "missing":
            sentence = f"{called} lacks {shown(place[-1])}"
        elif place and passes(container, place[-1]):
            sentence = f"{shown(place[-1])} of {called} {self._expected()}"
        else:
            sentence = f"{called} {self._expected()}"  # on a model as a whole
        return Problem(place, sentence)

    def _place(self) -> Place:
        """Return the place of the mistake, without the tags by which unions chose a model."""
        node, tagged, place = self.document, None, []
        for part in self.detail["loc"]:
            if self.models.get(id(node), Model).tagged and tagged is not node:
                tagged = node
                continue
            place.append(part)
            node = node[part] if passes(node, part) else None
        return tuple(place)

    def _container(self, place: Place) -> tuple[Any, str]:
        """Return the value at a place of the document, and its name in errors."""
        node, called = self.document, self.what
        for part in place:
            known = id(node) in self.models
            node = node[part] if passes(node, part) else None
            model = self.models.get(id(node))
            if model is None:
                called = f"{shown(part)} of {called}" if known else shown(part)
            elif known:
                called = f"the {model.called}"
            else:
                called = f"{model.called} {part + 1 if isinstance(part, int) else shown(part)}"
        return node, called

    def _expected(self) -> str:
        kind, context = self.detail["type"], self.detail.get("ctx", {})
        if kind == "wrong":
            return str(context["sentence"])
        if kind == "union_tag_invalid":
            return f"must have a {context['discriminator']} of {_listed(context['expected_tags'])}"
        if kind in {"literal_error", "enum"}:
            listed = _listed(str(context["expected"]))
            return f"must be one of {listed}" if ", " in listed else f"must be {listed}"
        if kind in {"greater_than_equal", "less_than_equal"}:
            bound = context.get("ge", context.get("le"))
            return f"must be {bound} or {'more' if 'ge' in context else 'less'}"
        expected = _EXPECTED.get(kind, f"another value ({kind})")
        return f"must be {expected}, and is {_type_of(self.detail['input'])}"


def passes(node: Any, part: str | int) -> bool:
    """Return whether a mapping or a list has such a part."""
    if isinstance(node, dict):
        return part in node
    return isinstance(node, list) and isinstance(part, int) and part < len(node)


def _listed(expected: str) -> str:
    """Return pydantic's "'a', 'b' or 'c'" in the form of the README's lists."""
    return expected.replace("'", "").replace(" or ", ", ")


def _type_of(value: object) -> str:
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "something else")
