"""The filters on lists of appeals: the shared vocabulary, and where an appeal stands."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from sqlalchemy import ColumnElement, Select, and_, not_

from audit_api.appeals.records import IS_OPEN, auditor_of
from audit_api.appeals.tables import appeals
from audit_api.audits.filters import MANY, Bound, names_days, within
from audit_api.audits.tables import audits
from tallystick.schemas.appeal import AppealStage, AppealState
from tallystick.schemas.audit import AuditParty
from tallystick.schemas.base import Code, Reference, Slug
from tallystick.schemas.programme import ErrorClass, Severity
from tallystick.service.auth import Principal
from tallystick.service.parameters import FromQuery


class AppealFilters:
    """What a list of appeals is narrowed to. Repeated parameters mean "any of", different ones "and"."""

    def __init__(self, any_of: dict[str, list[Any]], overdue: bool | None, from_: date | None, to: date | None) -> None:
        self._any_of = any_of
        self._overdue = overdue
        self._from = from_
        self._to = to

    @property
    def names_days(self) -> bool:
        """Whether a bound is a day, which only a time zone makes a time."""
        return names_days(self._from, self._to)

    def narrow(self, statement: Select[Any], principal: Principal, time_zone: str, now: datetime) -> Select[Any]:
        """The statement with these filters. An auditor is not found by a name that the principal may not know."""
        c = appeals.c
        for name, values in self._any_of.items():
            if values:
                statement = statement.where(_column(name, principal).in_(values))
        if self._overdue is not None:
            overdue = and_(IS_OPEN, c.due_at.is_not(None), c.due_at < now)
            statement = statement.where(overdue if self._overdue else not_(overdue))
        return within(statement, c.submitted_at, self._from, self._to, time_zone)


def _column(name: str, principal: Principal) -> ColumnElement[Any]:
    if name == "auditor":
        return auditor_of(principal)
    column: ColumnElement[Any] = (appeals if name in appeals.c else audits).c[name]
    return column


async def _filters(
    state: Annotated[list[AppealState], MANY] = [],  # noqa: B006 - nobody changes it
    stage: Annotated[list[AppealStage], MANY] = [],  # noqa: B006
    ground: Annotated[list[Code], MANY] = [],  # noqa: B006
    audit_id: Annotated[list[UUID], MANY] = [],  # noqa: B006
    vendor: Annotated[list[Slug], MANY] = [],  # noqa: B006
    site: Annotated[list[Code], MANY] = [],  # noqa: B006
    queue: Annotated[list[Code], MANY] = [],  # noqa: B006
    market: Annotated[list[Code], MANY] = [],  # noqa: B006
    language: Annotated[list[Code], MANY] = [],  # noqa: B006
    policy: Annotated[list[Code], MANY] = [],  # noqa: B006
    moderator: Annotated[list[Reference], MANY] = [],  # noqa: B006
    auditor: Annotated[list[Reference], MANY] = [],  # noqa: B006
    audit_party: Annotated[list[AuditParty], MANY] = [],  # noqa: B006
    error_class: Annotated[list[ErrorClass], MANY] = [],  # noqa: B006
    error_code: Annotated[list[Code], MANY] = [],  # noqa: B006
    severity: Annotated[list[Severity], MANY] = [],  # noqa: B006
    overdue: Annotated[bool | None, Query(description="Undecided after it was due; `false` for all others.")] = None,
    from_: Annotated[
        Bound | None, Query(alias="from", description="Submitted at or after this time, or this day in the programme's zone.")
    ] = None,
    to: Annotated[Bound | None, Query(description="Submitted before this time, or this day in the programme's zone.")] = None,
) -> AppealFilters:
    any_of: dict[str, list[Any]] = {
        "state": state,
        "stage": stage,
        "ground": ground,
        "audit_id": audit_id,
        "vendor": vendor,
        "site": site,
        "queue": queue,
        "market": market,
        "language": language,
        "policy": policy,
        "moderator": moderator,
        "auditor": auditor,
        "audit_party": audit_party,
        "error_class": error_class,
        "error_code": error_code,
        "severity": severity,
    }
    return AppealFilters(any_of, overdue, from_, to)


Filtered = Annotated[AppealFilters, Depends(FromQuery(_filters))]
