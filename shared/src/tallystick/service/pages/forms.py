"""Forms of pages: what was sent, read into the models of the wire, and what is shown where it could not be taken.

A form that is refused comes back on its page, as the page is now, with what was typed and with what is wrong. Nothing is lost.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field, TypeAdapter, ValidationError

from tallystick.schemas.base import Wire, new_id, told
from tallystick.service.days import midnight
from tallystick.service.problems import NotFound, Problem
from tallystick.service.replies import revision_etag

Model = TypeVar("Model", bound=Wire)

_LISTED = re.compile(r"[,\n]")
_REVISION: TypeAdapter[int] = TypeAdapter(int)
_DAY: TypeAdapter[date] = TypeAdapter(Annotated[date, Field(lt=date.max)])  # the day after it is there too
_MOMENT: TypeAdapter[datetime] = TypeAdapter(datetime)
_DECIMAL: TypeAdapter[float] = TypeAdapter(float)
_INVALID = 422


@dataclass(frozen=True, slots=True)
class Fields:
    """What a form brought: its values by name, and under which time zone its days are meant."""

    values: tuple[tuple[str, str], ...]

    @classmethod
    async def of(cls, request: Request) -> "Fields":
        """The fields of a request, without what was left empty."""
        form = (await request.form()).multi_items()
        pairs = ((name, value.replace("\r\n", "\n").strip()) for name, value in form if isinstance(value, str))
        return cls(tuple(pair for pair in pairs if pair[1]))

    def all(self, name: str) -> list[str]:
        """The values of a field that can have several."""
        return [value for given, value in self.values if given == name]

    def get(self, name: str) -> str | None:
        """The value of a field; None where it was left empty."""
        return next(iter(self.all(name)), None)

    def listed(self, name: str) -> list[str]:
        """The values of a field that takes several, between commas or on lines of their own."""
        return [each.strip() for each in _LISTED.split(self.get(name) or "") if each.strip()]

    def end_of_day(self, name: str, zone: str) -> datetime | None:
        """The moment at which a day is over that was chosen."""
        day = self.get(name)
        if day is None:
            return None
        return midnight(_DAY.validate_python(day) + timedelta(days=1), zone)

    def moment(self, name: str, zone: str) -> datetime | None:
        """The moment that was chosen, by the clocks of a programme."""
        text = self.get(name)
        return None if text is None else _MOMENT.validate_python(text).replace(tzinfo=ZoneInfo(zone))

    @property
    def if_match(self) -> str | None:
        """The revision that the form was filled in about, as `If-Match` names it."""
        revision = self.get("revision")
        return None if revision is None else revision_etag(_REVISION.validate_python(revision))

    @property
    def key(self) -> str | None:
        """Under which it is sent once, however often the button is pressed."""
        return self.get("key")


def decimal(text: str | None) -> float | None:
    """A number that was typed, with a point or a comma."""
    return None if text is None else _DECIMAL.validate_python(text.replace(",", "."))


def share(percent: str | None) -> float | None:
    """A share between 0 and 1 of a percentage that was typed."""
    number = None if percent is None else decimal(percent.rstrip("% "))
    return None if number is None else round(number / 100, 12)


def typed(read: Callable[[str | None], float | None], text: str | None) -> float | str | None:
    """The number that was typed; where it is none, the text, which a model then refuses beside its field."""
    try:
        return read(text)
    except ValidationError:
        return text


def written(model: type[Model], **given: Any) -> Model:
    """A wire model of what a form brought, where all is text. What was left empty has its default."""
    return model.model_validate({name: value for name, value in given.items() if value is not None}, strict=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a form, and with which of its fields: the names that the field may have."""

    names: frozenset[str]
    text: str

    @classmethod
    def at(cls, place: Iterable[int | str], text: str) -> "Fault":
        """What is wrong at a place of what the form was read into: a field is named as its part, or as all of them."""
        parts = [part for part in place if isinstance(part, str) and part and not part.isdigit()]
        return cls(frozenset({*parts, "_".join(parts)}), text)


@dataclass(frozen=True, slots=True)
class Refused:
    """A form that was not taken: what was typed, and why not."""

    form: str
    """Which of the page's."""
    fields: Fields
    status: int
    title: str
    detail: str
    faults: tuple[Fault, ...]
    stale: bool
    """Whether somebody else was faster."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A form that is shown again as it was filled in, since something else than what it is for was asked with it."""

    form: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a page: where it is sent, about which revision, and what stands in it already."""

    id: str
    action: str
    revision: int | None = None
    refused: Refused | None = None
    typed: Fields | None = None
    """What was typed, where the form is shown again."""
    standing: Fields | None = None
    """What stands in it before anybody types, where it is about something that there is."""
    key: str = field(default_factory=lambda: str(new_id()))

    def value(self, name: str, otherwise: object = "") -> str:
        """What stands in a field: what was typed, where this form is shown again."""
        filled = self.typed or self.standing
        if filled is not None:
            return filled.get(name) or ""
        return "" if otherwise is None else str(otherwise)

    def values(self, name: str, otherwise: Iterable[object] = ()) -> list[str]:
        """What is chosen in a field that can have several."""
        filled = self.typed or self.standing
        return filled.all(name) if filled is not None else [str(each) for each in otherwise]

    def wrong(self, name: str) -> list[str]:
        """What is wrong with a field, where this form was refused."""
        return [fault.text for fault in self.refused.faults if name in fault.names] if self.refused is not None else []

    def chosen(self, name: str, value: str, *, otherwise: bool = False) -> bool:
        """Whether a value is chosen in a field that can have several."""
        filled = self.typed or self.standing
        return value in filled.all(name) if filled is not None else otherwise


@dataclass(frozen=True, slots=True)
class Forms:
    """Makes the forms of a page."""

    path: str
    shown: Refused | Kept | None = None
    """The form that is shown again, if one is."""

    def __call__(self, name: str, below: str, revision: int | None = None, standing: Fields | None = None) -> Form:
        """The form `name`, sent to the path of the page with `below` behind it, with what stands in it at first."""
        again = self.shown if self.shown is not None and self.shown.form == name else None
        refused = again if isinstance(again, Refused) else None
        return Form(name, f"{self.path}{below}", revision, refused, again.fields if again is not None else None, standing)


Act = Callable[[Fields], Awaitable[str | None]]
"""What a form asks for. It answers where that leads, if that depends on what came of it."""


async def taken(request: Request, act: Act, following: str, show: Callable[[Refused], Awaitable[Response]]) -> Response:
    """Do what a form asks for and lead on to `following`; where that is refused, show the page with the form as it was sent."""
    fields = await Fields.of(request)
    try:
        elsewhere = await act(fields)
    except NotFound:  # of the page itself, so there is none to show
        raise
    except (Problem, ValidationError) as refusal:
        return await show(_refused(fields, refusal))
    return RedirectResponse(elsewhere or following, 303, {"Cache-Control": "no-store"})


async def kept(request: Request, act: Act, show: Callable[[Refused | Kept], Awaitable[Response]]) -> Response:
    """Do something beside what a form is for, and show the page with the form as it was filled in."""
    fields = await Fields.of(request)
    try:
        await act(fields)
    except NotFound:
        raise
    except (Problem, ValidationError) as refusal:
        return await show(_refused(fields, refusal))
    return await show(Kept(fields.get("form") or "", fields))


def _refused(fields: Fields, refusal: Problem | ValidationError) -> Refused:
    form = fields.get("form") or ""
    if isinstance(refusal, ValidationError):
        faults = tuple(Fault.at(error["loc"], _said(error["loc"], told(error))) for error in refusal.errors(include_url=False))
        return Refused(form, fields, _INVALID, "Something is missing or cannot be read", "", faults, stale=False)
    faults = tuple(Fault.at(error.pointer.split("/"), error.detail) for error in refusal.errors)
    stale = refusal.status == 412  # noqa: PLR2004
    return Refused(form, fields, refusal.status, refusal.title, str(refusal.detail), faults, stale=stale)


def _said(loc: tuple[int | str, ...], text: str) -> str:
    name = " ".join(str(part).replace("_", " ") if isinstance(part, str) else str(part + 1) for part in loc)
    return f"{name.capitalize()}: {text[:1].lower()}{text[1:]}." if name else f"{text[:1].upper()}{text[1:]}."
