"""Reading cases, opening them, changing them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import Row, Select, insert, select, update

from rca_api.cases.history import Event, record
from rca_api.cases.problems import CaseClosed
from rca_api.cases.tables import cases
from rca_api.notices.records import News, tell
from tallystick.schemas.base import new_id
from tallystick.schemas.case import (
    CASE_TRANSITIONS,
    FINISHED,
    Case,
    CaseEventKind,
    CasePeriod,
    CaseState,
    CaseStep,
    NewCase,
    TakenStep,
)
from tallystick.schemas.metric import Measure
from tallystick.schemas.notice import NoticeKind
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.feed import rows_after
from tallystick.service.problems import NotFound

PERIOD = timedelta(days=28)
"""What a case is about that names no period: so long before it was opened."""
BASELINE = timedelta(days=56)
"""What evidence compares with: so long before the period."""

_CALIBRATION = "calibration"
"""What a case is about whose numbers are no metrics."""

_COMPUTED = {"period", "baseline", "overdue", "possible"}
_STORED = tuple(name for name in Case.model_fields if name not in _COMPUTED)
_WHEN_DUE = frozenset({CaseState.OPEN, CaseState.REOPENED, CaseState.ANALYSIS, CaseState.VERIFICATION})


def document(row: Row[Any], now: datetime) -> dict[str, Any]:
    """A case as its GET shows it at this time."""
    shown = {name: row._mapping[name] for name in _STORED}
    return {
        **shown,
        "measure": measure_of(row),
        "period": {"from": row.period_from, "to": row.period_to},
        "baseline": {"from": row.period_from - BASELINE, "to": row.period_from},
        "overdue": row.state in _WHEN_DUE and row.due_at is not None and row.due_at < now,
        "possible": possible(row),
    }


def measure_of(row: Row[Any]) -> Measure | None:
    """Which number went wrong; None for calibration, whose numbers are no metrics."""
    return None if row.measure == _CALIBRATION else Measure(row.measure)


def possible(row: Row[Any]) -> list[CaseStep]:
    """The steps that lead on from where a case stands, for somebody whose part it is."""
    return [each.step for each in CASE_TRANSITIONS if row.state in each.sources]


async def get_case(session: ReadSession, programme: str, case_id: UUID) -> Row[Any]:
    """One case; a problem where there is none to see. Who changes it holds the lock of the stream already."""
    row = (await session.execute(visible(session, programme).where(cases.c.id == case_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such case.")
    return row


async def get_unfinished(session: ReadSession, programme: str, case_id: UUID) -> Row[Any]:
    """One case to which something can be added; a problem where it is finished, or where there is none to see."""
    row = await get_case(session, programme, case_id)
    if row.state in FINISHED:
        raise CaseClosed("Nothing is added to a case that is closed or cancelled.")
    return row


async def list_cases(
    session: ReadSession, programme: str, narrowed: Mapping[str, Sequence[Any]], *, overdue: datetime | None, before: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:  # fmt: skip
    """The newest cases with any of the values in each column, opened before the case `before`; newest first.

    With `overdue` those alone that were due before it.
    """
    c = cases.c
    statement = visible(session, programme).order_by(c.id.desc()).limit(limit)
    for name, values in narrowed.items():
        if values:
            statement = statement.where(c[name].in_(values))
    if overdue is not None:
        statement = statement.where(c.state.in_(_WHEN_DUE), c.due_at < overdue)
    if before is not None:
        statement = statement.where(c.id < before)
    return (await session.execute(statement)).all()


async def titles_of(session: ReadSession, programme: str, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The titles of those of the cases that the principal may see, by id."""
    wanted = [each for each in ids if each is not None]
    found = visible(session, programme).with_only_columns(cases.c.id, cases.c.title).where(cases.c.id.in_(wanted))
    return {row.id: row.title for row in await session.execute(found)}


def visible(session: ReadSession, programme: str) -> Select[Any]:
    """The statement of all cases that the principal may see."""
    return scoped(select(cases), cases, programme, session.principal)


async def open_case(
    session: WriteSession,
    programme: str,
    new: NewCase,
    position: int,
    now: datetime,
    *,
    period: CasePeriod,
    due_at: datetime | None,
    origin: Literal["person", "signal"] = "person",
    signals: Sequence[str] = (),
) -> Row[Any]:
    """Write a new case. Its evidence is wanted from now on."""
    subject = session.principal.subject
    given = orjson.loads(new.model_dump_json(exclude={"period", "due_at"}))
    given["scope"]["vendor"] = [new.vendor] if new.vendor else given["scope"]["vendor"]
    given["measure"] = new.measure or _CALIBRATION
    given["owner"] = new.owner or (subject if origin == "person" else None)
    statement = insert(cases).values(
        programme=programme,
        id=new_id(),
        **given,
        state=CaseState.OPEN,
        moves=[taken(CaseStep.OPEN, CaseState.OPEN, now, None)],
        revision=1,
        position=position,
        opened_by=subject,
        opened_at=now,
        origin=origin,
        signals=list(signals),
        period_from=period.from_,
        period_to=period.to,
        due_at=due_at,
        evidence_wanted_at=now,
    )
    row = (await session.execute(statement.returning(cases))).one()
    changed = {name: value for name, value in given.items() if value not in (None, [])}
    about = signals[0] if signals else None
    await record(session, row, Event(CaseEventKind.STEP, now, position, CaseStep.OPEN, about=about, changed=changed))
    await tell(session, programme, News(NoticeKind.CASE_OPENED, f"{row.title}: opened.", row.vendor, row.id, row.id), now)
    return row


def taken(step: CaseStep, state: CaseState, at: datetime, due_at: datetime | None) -> dict[str, Any]:
    """A step that a case takes, as it is kept with it; `due_at` is when the case had been due until then."""
    return TakenStep(step=step, state=state, at=at, due_at=due_at).model_dump(mode="json")


async def change_case(session: WriteSession, current: Row[Any], event: Event, **values: Any) -> Row[Any]:
    """Give fields of a case other values in a further revision, and its history the entry that says so."""
    return await complete_case(session, current, event, **values, revision=current.revision + 1)


async def complete_case(session: WriteSession, current: Row[Any], event: Event, **values: Any) -> Row[Any]:
    """Add to a case what was found out beside it. Its revision stays: who read it before decides on nothing that changed."""
    statement = scoped(update(cases), cases, current.programme, session.principal).where(cases.c.id == current.id)
    row = (await session.execute(statement.values(**values, position=event.position).returning(cases))).one()
    await record(session, row, event)
    return row


async def read_changes(session: ReadSession, programme: str, after: int, limit: int, *, now: datetime) -> list[dict[str, Any]]:
    """Cases as the feed shows them."""
    return [
        {"position": row.position, "id": row.id, "revision": row.revision, "erased": False, "data": document(row, now)}
        for row in await rows_after(session, cases, programme, after, limit)
    ]
