"""Read JSON as Go's encoding/json reads it into a struct, which Python's json does not.

Names of fields are read in any case, a name may stand several times, bytes that are no UTF-8 and
halves of surrogate pairs become U+FFFD. Source: encoding/json of Go 1.26.
"""

import json
import re
from math import isfinite
from typing import Any, NoReturn

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonObject(list[tuple[str, Any]]):
    """The pairs of a JSON object in their order, with every name that stands twice."""


def load_json(content: bytes) -> Any:
    """Parse JSON; objects become JsonObject. Raises ValueError, also if it is nested too deeply."""
    # Each byte that is no UTF-8 becomes one character.
    text = _whole(content.decode("utf-8", "surrogateescape"))
    try:
        return json.loads(
            text,
            object_pairs_hook=_pairs,
            parse_constant=_refuse,
            parse_int=_number,
            parse_float=_number,
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def fold(name: str) -> str:
    """The name of a field as Go compares it, so that `Auth` is `auth`."""
    folded = (letter.casefold() for letter in name)
    return "".join(
        small if len(small) == 1 else letter for small, letter in zip(folded, name, strict=True)
    )


def without_pairs(value: Any) -> Any:
    """The value of `load_json` with dictionaries in place of JsonObject; the last name wins."""
    if isinstance(value, JsonObject):
        return {name: without_pairs(item) for name, item in value}
    return [without_pairs(item) for item in value] if isinstance(value, list) else value


def _number(text: str) -> int | float:
    """A number, or 0 for one that is too large; Python limits the digits that it converts."""
    number = float(text)
    if not isfinite(number):
        return 0
    return int(text) if text.lstrip("-").isdigit() else number


def _pairs(pairs: list[tuple[str, Any]]) -> JsonObject:
    return JsonObject((_whole(name), _whole_text(value)) for name, value in pairs)


def _whole_text(value: Any) -> Any:
    return _whole(value) if isinstance(value, str) else value


def _whole(text: str) -> str:
    return _SURROGATE.sub(_REPLACEMENT, text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
