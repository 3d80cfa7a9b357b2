"""The base of every model of a document, and the types of its values.

No value is converted: "1" is not a number, and 1 is not true. A document with an unknown key is
invalid.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError


class Model(BaseModel):
    """A mapping with known keys; `called` is its name in errors.

    `tagged` marks a model that is only read as a member of a union, which puts a tag into its
    errors.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    called: ClassVar[str]
    tagged: ClassVar[bool] = False

    @model_validator(mode="before")
    @classmethod
    def _note_what_is_read(cls, data: Any, info: ValidationInfo) -> Any:
        # An error names its place, but not the keys that are possible.
        if info.context is not None and isinstance(data, dict):
            info.context[id(data)] = cls
        return data


def wrong(sentence: str) -> PydanticCustomError:
    """Return the error of a validator with this sentence, which does not quote the value."""
    # pydantic would read a brace as a placeholder.
    return PydanticCustomError("wrong", "{sentence}", {"sentence": sentence})


def _check_printable(text: str) -> str:
    if not text or not text.isprintable():
        raise wrong("must be printable, and not empty")
    return text


def _read_time(value: object) -> object:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise wrong("must be a time as 2026-12-01T09:00:00+00:00")
    return moment


def _empty_if_none(value: object) -> object:
    """Return an empty mapping for a key in YAML that has nothing behind its colon."""
    return {} if value is None else value


Text = Annotated[str, AfterValidator(_check_printable)]
Time = Annotated[datetime, BeforeValidator(_read_time)]
# More than any scenario needs, and small enough for a clock.
Positive = Annotated[int, Field(ge=1, le=10**9)]
EmptyIfNone = BeforeValidator(_empty_if_none)
# A member of the enumeration in Python, and one of its texts in a document.
FromText = Field(strict=False)
