"""The pieces that every wire model is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from typing import Annotated, Any, TypeVar, dataclass_transform
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    StringConstraints,
    with_config,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from uuid_utils.compat import uuid7


def _whole(value: object) -> object:
    """What JSON Schema takes for an integer: 5.0 is one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_count(value: object) -> bool:
    """Whether a value could be read as seconds since 1970: a number, or text without the hyphens of a date."""
    return "-" not in value[1:] if isinstance(value, str) else isinstance(value, int | float)


def _as_day(value: object) -> object:
    """What may be read as a day: nothing that counts seconds."""
    if _is_count(value):
        raise PydanticCustomError("date_type", "Input should be a day such as 2026-09-01")
    return value


def _as_moment(value: object) -> object:
    """What may be read as a moment: nothing that counts seconds."""
    if _is_count(value):
        raise PydanticCustomError("datetime_type", "Input should be a time with its offset such as 2026-09-01T10:00:00Z")
    return value


_AS_WRITTEN = {"date": _as_day, "datetime": _as_moment}


def _make_exact(part: object) -> None:
    """Let every number and flag in a part of a schema be strict, and every day and moment be written as such."""
    if isinstance(part, dict):
        if part.get("type") == "function-before" and part["function"]["function"] in _AS_WRITTEN.values():
            return
        if part.get("type") in ("bool", "float"):  # a model may have a field of that name, whose schema this is
            part["strict"] = True
        elif part.get("type") == "int" and "strict" not in part:
            number: Any = {**part, "strict": True}
            part.clear()
            part.update(core_schema.no_info_before_validator_function(_whole, number))
        elif (check := _AS_WRITTEN.get(str(part.get("type")))) is not None:
            moment: Any = {**part}
            part.clear()
            part.update(core_schema.no_info_before_validator_function(check, moment))
            return
        for inner in part.values():
            _make_exact(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            _make_exact(inner)


class Wire(BaseModel):
    """A message between two parties: unknown fields are an error, values do not change after validation.

    Numbers and flags are what JSON calls so: neither `"yes"` nor 1 is taken for true, nor `"5"` for 5. What comes from where all
    is text, such as a form or a CSV file, is validated with `strict=False`. A day or a moment is text that names one: no number,
    in text or not, is taken for the seconds since 1970.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /) -> CoreSchema:
        """The schema of a model, with numbers, flags and times that nothing else is taken for."""
        schema = handler(source)
        _make_exact(schema)
        return schema


Kind = TypeVar("Kind")


@dataclass_transform(frozen_default=True)
def figure(kind: type[Kind]) -> type[Kind]:
    """Make a class one of the parts that an answer has hundreds of: a frozen dataclass.

    It is checked like a `Wire` where it is read, and not where it is made, which takes a quarter of the time.
    """
    return with_config(ConfigDict(extra="forbid", allow_inf_nan=False))(dataclass(frozen=True)(kind))


def new_id() -> UUID:
    """A UUIDv7: unique everywhere, and ordered by the time of its making."""
    return uuid7()


_IN_WORDS: dict[str, str] = {}


def form(pattern: str, words: str, *, longest: int | None = None) -> StringConstraints:
    """A constraint of text to a pattern, which `told` says in words, and, where it is bounded, to 1 to `longest` characters."""
    _IN_WORDS[f"String should match pattern '{pattern}'"] = f"Input should be {words}"
    return StringConstraints(pattern=pattern, min_length=None if longest is None else 1, max_length=longest)


def told(fault: Mapping[str, Any]) -> str:
    """What is wrong with a value, by one of the errors of a `ValidationError`, as people read it."""
    message = str(fault["msg"]).removeprefix("Value error, ")
    return _IN_WORDS.get(message, message)


_NO_NUL = r"^[^\x00]*$"
_WITHOUT_NUL = "text without the character U+0000"


def _in_utc(moment: datetime) -> datetime:
    if not MINYEAR < moment.year < MAXYEAR:  # so that every time zone can tell it
        raise ValueError("at an end of the calendar")
    return moment.astimezone(UTC)


Instant = Annotated[AwareDatetime, BeforeValidator(_as_moment), AfterValidator(_in_utc)]
"""A moment that came with its offset, in UTC."""

Day = Annotated[date, BeforeValidator(_as_day)]
"""A day of the calendar, as parameters of a query take it; in a `Wire` any date is read so."""

Slug = Annotated[
    str, form(r"^[a-z0-9][a-z0-9_-]{0,62}$", "up to 63 lower-case letters a to z, digits, - and _, with a letter or digit first")
]
"""A name that people give and that stands in addresses: programme, vendor."""

Code = Annotated[
    str,
    form(
        r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$",
        "one word of up to 64 letters a to z, digits, full stops, colons, - and _, with a letter or digit first",
    ),
]
"""A word of a controlled vocabulary: site, queue, market, language, policy, error code."""

Reference = Annotated[str, form(r"^[^\x00-\x1f\x7f]+$", "text on one line, without control characters", longest=200)]
"""An opaque name from somebody else's system: an external id, a pseudonymous person, a content reference."""

Name = Annotated[str, form(_NO_NUL, _WITHOUT_NUL, longest=200)]
"""What a thing is called in lists and headings."""

Plain = Annotated[str, form(_NO_NUL, _WITHOUT_NUL)]
"""Somebody else's word, taken as it is."""

Text = Annotated[str, form(_NO_NUL, _WITHOUT_NUL, longest=4000)]
"""Prose that a person wrote."""
