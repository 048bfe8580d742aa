"""The work of a programme as it is known, and how far rca-api's feed is read for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from reporting_api.metrics.standing import Standing
from reporting_api.projection.work import find_work_cursor
from reporting_api.reports.work.moves import Move, moves_of
from reporting_api.tables import actions, cases, causes, plans
from tallystick.schemas.case import Audience
from tallystick.schemas.cause import CauseState
from tallystick.schemas.metric import Measure
from tallystick.service.database import ReadSession, scoped
from tallystick.service.problems import Unavailable


@dataclass(frozen=True, slots=True)
class WorkStanding:
    """How far rca-api's feed of a programme is read."""

    epoch: UUID | None
    position: int
    shown: int | None
    """The position, to whom it may be told."""
    begun_at: datetime


async def read_work_standing(session: ReadSession, standing: Standing) -> WorkStanding:
    """How far the work of a programme is known whose numbers stand.

    Raises:
        Unavailable: rca-api's feed has not yet been read to its end, so what is known is a part.
    """
    row = await find_work_cursor(session, standing.programme)
    if row is None or row.caught_up_at is None:
        raise Unavailable(
            "The cases of this programme are being read. They are shown once all of them are known.",
            headers={"Retry-After": "2"},
        )
    if standing.shown is None:  # to a vendor; the epoch begins with the first case, whosever that is
        return WorkStanding(None, row.position, None, row.created_at)
    return WorkStanding(row.epoch, row.position, row.position, row.created_at)


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A case as the feed last showed it."""

    case_id: UUID
    vendor: str | None
    title: str
    measure: Measure
    scope: dict[str, tuple[str, ...]]
    baseline: tuple[date, date]
    due_at: datetime | None
    overridden: bool
    watch_until: datetime | None
    moves: tuple[Move, ...]
    causes: tuple[tuple[str, str], ...]
    """Code and category of the root causes that were accepted."""


@dataclass(frozen=True, slots=True)
class KnownAction:
    """An action as the feed last showed it."""

    action_id: UUID
    case_id: UUID
    title: str
    owner: str
    owner_vendor: str | None
    cancelled: bool
    opened_at: datetime
    due_at: datetime
    done_at: datetime | None

    def open_at(self, moment: datetime) -> bool:
        """Whether it was agreed on and not done."""
        return not self.cancelled and self.opened_at < moment and not self.done_by(moment)

    def done_by(self, moment: datetime) -> bool:
        """Whether its owner had done it."""
        return self.done_at is not None and self.done_at <= moment


@dataclass(frozen=True, slots=True)
class KnownPlan:
    """A plan as the feed last showed it."""

    case_id: UUID
    verdict: str | None
    judged_at: datetime | None


@dataclass(frozen=True, slots=True)
class Work:
    """Everything that is known of the work of some vendors."""

    cases: dict[UUID, KnownCase]
    """In the order of their ids, which is that of their opening."""
    actions: tuple[KnownAction, ...]
    plans: tuple[KnownPlan, ...]


async def read_work(session: ReadSession, programme: str, vendors: Sequence[str]) -> Work:
    """The work that the principal may see, of some vendors or, without any, of all and the internal one.

    What a vendor may not see has no vendor: neither the filter nor row-level security lets it through.
    """

    def of(statement: Select[Any], *, by_vendor: Any) -> Select[Any]:
        return statement.where(by_vendor.in_(vendors)) if vendors else statement

    found = scoped(select(cases), cases, programme, session.principal).order_by(cases.c.case_id)
    known = (await session.execute(of(found, by_vendor=cases.c.vendor))).all()
    c = causes.c
    accepted = scoped(select(c.case_id, c.code, c.category), causes, programme, session.principal)
    accepted = accepted.where(c.state == CauseState.ACCEPTED).order_by(c.cause_id)
    if session.principal.vendor is not None:
        accepted = accepted.where(c.audience == Audience.VENDOR)
    caused: dict[UUID, list[tuple[str, str]]] = {}
    for cause in await session.execute(accepted):
        caused.setdefault(cause.case_id, []).append((cause.code, cause.category))
    agreed = of(scoped(select(actions), actions, programme, session.principal), by_vendor=actions.c.vendor)
    planned = of(scoped(select(plans), plans, programme, session.principal), by_vendor=plans.c.vendor)
    return Work(
        {
            row.case_id: KnownCase(
                row.case_id,
                row.vendor,
                row.title,
                Measure(row.measure),
                {name: tuple(values) for name, values in row.scope.items() if values},
                (row.baseline_from, row.baseline_to),
                row.due_at,
                row.overridden,
                row.watch_until,
                moves_of(row.moves),
                tuple(caused.get(row.case_id, ())),
            )
            for row in known
        },
        tuple(
            KnownAction(
                row.action_id,
                row.case_id,
                row.title,
                row.owner,
                row.owner_vendor,
                row.state == "cancelled",
                row.opened_at,
                row.due_at,
                row.done_at,
            )
            for row in await session.execute(agreed.order_by(actions.c.due_at, actions.c.action_id))
        ),
        tuple(KnownPlan(row.case_id, row.verdict, row.judged_at) for row in await session.execute(planned)),
    )
