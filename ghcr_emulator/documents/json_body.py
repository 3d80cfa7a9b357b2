"""Read a JSON document as a pydantic model."""

import json
from typing import NoReturn, TypeVar, cast

from pydantic import TypeAdapter

from ghcr_emulator.documents.model import Model
from ghcr_emulator.documents.problems import DocumentError, ProblemsError, in_lines, validate

ModelT = TypeVar("ModelT", bound=Model)
T = TypeVar("T")


def read_json(text: bytes, model: type[ModelT]) -> ModelT:
    """Return the document as `model`; raises DocumentError."""
    return cast(ModelT, _read(text, model, model.called))


def read_union(text: bytes, union: TypeAdapter[T], called: str) -> T:
    """Return the document as one of several models; raises DocumentError, which names `called`."""
    return cast(T, _read(text, union, called))


def _read(text: bytes, model: object, called: str) -> object:
    try:
        return validate(model, _parse(text), f"the {called}")
    except ProblemsError as error:
        sentences = [problem.sentence for problem in error.problems]
    raise in_lines(sentences)


def _parse(text: bytes) -> object:
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse)
    except DocumentError:
        raise
    except (ValueError, RecursionError):
        # The decoder's own message could quote the text. A number of thousands of digits is
        # invalid.
        raise DocumentError("the document is not JSON") from None


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise DocumentError("the document has a key twice")
    return fields


def _refuse(constant: str) -> NoReturn:
    raise DocumentError(f"the document is not JSON: it holds {constant}")
