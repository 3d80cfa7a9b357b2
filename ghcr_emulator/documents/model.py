"""The base of every model of a document, and the types of its values.

Nothing is converted: "1" is no number, and 1 is not true. A document with an unknown key is wrong.
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
    """A mapping with known keys; `called` is what errors call it.

    `tagged` is a model that is only read as a member of a union, which puts a tag in its errors.
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
        # An error says where it is, and not which keys there may be.
        if info.context is not None and isinstance(data, dict):
            info.context[id(data)] = cls
        return data


def wrong(sentence: str) -> PydanticCustomError:
    """Return the error of a validator that says this of a value, which stays out of it."""
    # A brace would be taken for a placeholder.
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
    """Return an empty mapping for a name in YAML that has nothing behind its colon."""
    return {} if value is None else value


Text = Annotated[str, AfterValidator(_check_printable)]
Time = Annotated[datetime, BeforeValidator(_read_time)]
# More than any scenario needs, and little enough for a clock.
Positive = Annotated[int, Field(ge=1, le=10**9)]
EmptyIfNone = BeforeValidator(_empty_if_none)
# Of the enumeration's own type in Python, and one of its texts in a document.
FromText = Field(strict=False)
