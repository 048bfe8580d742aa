"""The pieces that every wire model is made of."""

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Annotated, TypeVar, dataclass_transform
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, GetCoreSchemaHandler, StringConstraints, with_config
from pydantic_core import CoreSchema
from uuid_utils.compat import uuid7


def _make_exact(part: object) -> None:
    """Let every number and flag in a part of a schema be strict."""
    if isinstance(part, dict):
        if part.get("type") in ("bool", "int", "float"):  # a model may have a field of that name, whose schema this is
            part["strict"] = True
        for inner in part.values():
            _make_exact(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            _make_exact(inner)


class Wire(BaseModel):
    """A message between two parties: unknown fields are an error, values do not change after validation.

    Numbers and flags are what JSON calls so: neither `"yes"` nor 1 is taken for true, nor `"5"` for 5. What comes from where all
    is text, such as a form or a CSV file, is validated with `strict=False`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /) -> CoreSchema:
        """The schema of a model, with numbers and flags that are taken for nothing else."""
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


_NO_NUL = r"^[^\x00]*$"


def _in_utc(moment: datetime) -> datetime:
    if not MINYEAR < moment.year < MAXYEAR:  # so that every time zone can tell it
        raise ValueError("at an end of the calendar")
    return moment.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment that came with its offset, in UTC."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
"""A name that people give and that stands in addresses: programme, vendor."""

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
"""A word of a controlled vocabulary: site, queue, market, language, policy, error code."""

Reference = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""An opaque name from somebody else's system: an external id, a pseudonymous person, a content reference."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_NO_NUL)]
"""What a thing is called in lists and headings."""

Plain = Annotated[str, StringConstraints(pattern=_NO_NUL)]
"""Somebody else's word, taken as it is."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=_NO_NUL)]
"""Prose that a person wrote."""
