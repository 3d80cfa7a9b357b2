"""Reading a JSON object that must have exactly the right shape.

Errors name the key and the type, never the value: it may be a token.
"""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

_TYPES: Final = {
    str: "a string",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    int: "a number",
    float: "a number",
    type(None): "null",
}


class DocumentError(ValueError):
    """One sentence on what is wrong with a document."""


class Document:
    """A JSON object with no other keys than the known ones."""

    def __init__(self, text: bytes, known: Collection[str]) -> None:
        """Read `text`; raises DocumentError if it is no object, or has an unknown key."""
        self._fields = _object(text)
        for key in self._fields:
            if key not in known:
                raise DocumentError(
                    f"unknown key {key[:40]!r}: the keys are {', '.join(sorted(known))}"
                )

    @staticmethod
    def of_any_key(text: bytes) -> dict[str, object]:
        """Return the fields of an object whose keys somebody else knows; raises DocumentError."""
        return _object(text)

    def fields(self, key: str) -> dict[str, object]:
        """Return an object, an absent one as empty; raises DocumentError."""
        value = self._fields.get(key, {})
        if not isinstance(value, dict):
            raise DocumentError(f"{key!r} must be an object, and is {_kind(value)}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """Return a printable string that is not empty; raises DocumentError."""
        value = self._fields.get(key, default)
        if key not in self._fields and default is None:
            raise DocumentError(f"{key!r} is missing")
        if not isinstance(value, str):
            raise DocumentError(f"{key!r} must be a string, and is {_kind(value)}")
        if not value or not value.isprintable():
            raise DocumentError(f"{key!r} must be printable, and not empty")
        return value

    def __contains__(self, key: str) -> bool:
        return key in self._fields

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """Return a string that is one of `allowed`; raises DocumentError."""
        value = self.text(key, default)
        if value not in allowed:
            raise DocumentError(f"{key!r} must be one of {', '.join(allowed)}")
        return value

    def texts(self, key: str) -> frozenset[str]:
        """Return a list of strings, an absent one as empty; raises DocumentError."""
        return _texts(key, self._fields.get(key, []))

    def texts_in(self, key: str, inner: str) -> frozenset[str]:
        """Return a list of strings of an object below; raises DocumentError."""
        return _texts(f"{key}.{inner[:40]}", self.fields(key)[inner])

    def flag(self, key: str) -> bool:
        """Return true or false, an absent one as false; raises DocumentError."""
        value = self._fields.get(key, False)
        if not isinstance(value, bool):
            raise DocumentError(f"{key!r} must be true or false, and is {_kind(value)}")
        return value

    def pem(self, key: str) -> str:
        """Return a text of several lines in PEM's form; raises DocumentError."""
        value = self._fields.get(key)
        if not isinstance(value, str) or not value.startswith("-----BEGIN "):
            raise DocumentError(f"{key!r} must be a text in PEM's form")
        return value

    def moment(self, key: str) -> datetime | None:
        """Return a moment in ISO 8601 with its offset, in UTC; raises DocumentError."""
        if key not in self._fields:
            return None
        try:
            value = datetime.fromisoformat(self.text(key))
        except ValueError:
            value = None
        if value is None or value.tzinfo is None:
            raise DocumentError(f"{key!r} must be a time as 2026-12-01T09:00:00+00:00")
        return value.astimezone(UTC)

    def number(self, key: str, default: int) -> int:
        """Return a whole number; raises DocumentError."""
        value = self._fields.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise DocumentError(f"{key!r} must be a whole number, and is {_kind(value)}")
        return value


def _texts(key: str, value: object) -> frozenset[str]:
    if not isinstance(value, list):
        raise DocumentError(f"{key!r} must be a list of strings, and is {_kind(value)}")
    for item in value:
        if not isinstance(item, str):
            raise DocumentError(f"{key!r} must hold strings, and holds {_kind(item)}")
        if not item or not item.isprintable():
            raise DocumentError(f"{key!r} must hold printable strings that are not empty")
    return frozenset(value)


def _object(text: bytes) -> dict[str, object]:
    try:
        document = json.loads(text, object_pairs_hook=_without_repeats)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        # The decoder's own message could quote the text.
        raise DocumentError("the document is not JSON") from error
    if not isinstance(document, dict):
        raise DocumentError(f"the document must be an object, and is {_kind(document)}")
    return document


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise DocumentError("the document has a key twice")
    return fields


def _kind(value: object) -> str:
    return _TYPES[type(value)]
