"""The filters on lists of audits: the vocabulary that lists and metrics share."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError
from sqlalchemy import Column, ColumnClause, Select, not_

from audit_api.audits.tables import audits
from tallystick.schemas.audit import AuditParty, Verdict
from tallystick.schemas.base import Code, Day, Instant, Reference, Slug
from tallystick.schemas.programme import ErrorClass, Severity
from tallystick.service.days import midnight
from tallystick.service.parameters import FromQuery, in_order


def _bound(value: object, handler: ValidatorFunctionWrapHandler) -> date:
    try:
        bound: date = handler(value)
    except ValidationError:
        detail = "Neither a day such as 2026-09-01 nor a time with its offset, or at an end of the calendar"
        raise PydanticCustomError("not_a_bound", detail) from None
    return bound


_AnyDay = Annotated[Day, Field(ge=date(1, 1, 3), le=date(9999, 12, 29))]  # of any time zone
Bound = Annotated[Instant | _AnyDay, Field(union_mode="left_to_right"), WrapValidator(_bound)]
MANY = Query(description="Repeat it for several: any of them.")


class AuditFilters:
    """What a list of audits is narrowed to. Repeated parameters mean "any of", different ones "and"."""

    def __init__(self, any_of: dict[str, list[Any]], from_: date | None, to: date | None) -> None:
        self._any_of = any_of
        self._from = from_
        self._to = to

    @property
    def names_days(self) -> bool:
        """Whether a bound is a day, which only a time zone makes a time."""
        return names_days(self._from, self._to)

    def narrow(self, statement: Select[Any], time_zone: str, hidden_if: ColumnClause[bool] | None) -> Select[Any]:
        """The statement with these filters. What is hidden from the reader is not found by it either."""
        if hidden_if is not None and (self._any_of["auditor"] or self._any_of["batch_id"]):
            statement = statement.where(not_(hidden_if))
        for name, values in self._any_of.items():
            if values:
                statement = statement.where(audits.c[name].in_(values))
        return within(statement, audits.c.audited_at, self._from, self._to, time_zone)


def names_days(*bounds: date | None) -> bool:
    """Whether one of the bounds is a day, which only a time zone makes a time."""
    return any(bound is not None and not isinstance(bound, datetime) for bound in bounds)


def within(statement: Select[Any], column: Column[datetime], from_: date | None, to: date | None, time_zone: str) -> Select[Any]:
    """The statement with what has its time in a period; a problem where that ends before it begins."""
    start, end = (None if bound is None else _moment(bound, time_zone) for bound in (from_, to))
    in_order(start, end)
    if start is not None:
        statement = statement.where(column >= start)
    if end is not None:
        statement = statement.where(column < end)
    return statement


def _moment(bound: date, time_zone: str) -> datetime:
    """The time that a bound means: a day begins at midnight in the time zone."""
    return bound if isinstance(bound, datetime) else midnight(bound, time_zone)


async def _filters(
    vendor: Annotated[list[Slug], MANY] = [],  # noqa: B006 - nobody changes it
    site: Annotated[list[Code], MANY] = [],  # noqa: B006
    queue: Annotated[list[Code], MANY] = [],  # noqa: B006
    market: Annotated[list[Code], MANY] = [],  # noqa: B006
    language: Annotated[list[Code], MANY] = [],  # noqa: B006
    policy: Annotated[list[Code], MANY] = [],  # noqa: B006
    moderator: Annotated[list[Reference], MANY] = [],  # noqa: B006
    auditor: Annotated[list[Reference], MANY] = [],  # noqa: B006
    audit_party: Annotated[list[AuditParty], MANY] = [],  # noqa: B006
    verdict: Annotated[list[Verdict], MANY] = [],  # noqa: B006
    error_class: Annotated[list[ErrorClass], MANY] = [],  # noqa: B006
    error_code: Annotated[list[Code], MANY] = [],  # noqa: B006
    severity: Annotated[list[Severity], MANY] = [],  # noqa: B006
    external_id: Annotated[list[Reference], MANY] = [],  # noqa: B006
    batch_id: Annotated[list[UUID], MANY] = [],  # noqa: B006
    from_: Annotated[
        Bound | None, Query(alias="from", description="Audited at or after this time, or this day in the programme's zone.")
    ] = None,
    to: Annotated[Bound | None, Query(description="Audited before this time, or this day in the programme's zone.")] = None,
) -> AuditFilters:
    any_of: dict[str, list[Any]] = {
        "vendor": vendor,
        "site": site,
        "queue": queue,
        "market": market,
        "language": language,
        "policy": policy,
        "moderator": moderator,
        "auditor": auditor,
        "audit_party": audit_party,
        "verdict": verdict,
        "error_class": error_class,
        "error_code": error_code,
        "severity": severity,
        "external_id": external_id,
        "batch_id": batch_id,
    }
    return AuditFilters(any_of, from_, to)


Filtered = Annotated[AuditFilters, Depends(FromQuery(_filters))]
