"""What becomes of a signal: it joins the case of its fault, opens a closed one again, or a case is drafted for it."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from rca_api.cases.history import Event, record
from rca_api.cases.records import change_case, complete_case, measure_of, open_case, visible
from rca_api.cases.steps import reopen
from rca_api.cases.tables import UNFINISHED, cases
from rca_api.metadata import streams
from rca_api.programmes import root_cause_due
from rca_api.signals.matching import nearness, overlaps, priority_of, same_kind
from rca_api.signals.tables import case_signals, signal_cursors
from tallystick.client import FeedPage
from tallystick.schemas.case import CaseEventKind, CasePeriod, CaseState, NewCase
from tallystick.schemas.metric import MetricFilter
from tallystick.schemas.programme import Programme
from tallystick.schemas.signal import Signal, SignalState
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.days import day_of
from tallystick.service.feed import take_positions

_LONGEST_TITLE = 200
_IS_UNFINISHED = text(f"cases.{UNFINISHED}")


class Outcome(StrEnum):
    """What became of a signal when it was first heard."""

    OPENED = "opened"
    ATTACHED = "attached"
    REOPENED = "reopened"
    PASSED_OVER = "passed_over"


class OvertakenError(Exception):
    """The cursor is not where this worker left it: another one has moved it."""


async def open_cursor(session: WriteSession, programme: str) -> Row[Any]:
    """Where the signals of a programme were read up to; at the beginning where none was read yet."""
    await session.execute(upsert(signal_cursors).values(programme=programme, position=0, moves=0).on_conflict_do_nothing())
    return (await session.execute(select(signal_cursors).where(signal_cursors.c.programme == programme))).one()


async def start_anew(session: WriteSession, programme: str) -> None:
    """Read the signals of a programme from the beginning: those that are known lead nowhere a second time."""
    c = signal_cursors.c
    await session.execute(update(signal_cursors).where(c.programme == programme).values(cursor=None, moves=c.moves + 1))


async def apply_page(session: WriteSession, before: Row[Any], page: FeedPage, programme: Programme, now: datetime) -> Row[Any]:
    """Hear every signal of a page that was read from the cursor `before`, and answer the cursor behind it, all or nothing.

    Raises:
        OvertakenError: the cursor has moved since; nothing was heard.
    """
    c = signal_cursors.c
    await take_positions(session, streams, programme.slug, 0)
    moved = (
        update(signal_cursors)
        .where(c.programme == before.programme, c.moves == before.moves)
        .values(cursor=page.cursor, position=page.position, moves=before.moves + 1, checked_at=now)
        .returning(signal_cursors)
    )
    cursor = (await session.execute(moved)).one_or_none()
    if cursor is None:
        raise OvertakenError
    for change in page.changes:
        if change["noun"] == "signal" and change["data"] is not None:
            await hear(session, programme, Signal.model_validate(change["data"], extra="ignore"), now)
    return cursor


async def hear(session: WriteSession, programme: Programme, signal: Signal, now: datetime) -> Outcome | None:
    """Let a signal lead to a case, unless it has led somewhere already; answers what became of it, None for a known one.

    Whoever calls this holds the lock of the stream.
    """
    known = await _known(session, programme.slug, signal.key)
    if known is not None:
        await _heard_again(session, known, signal, now)
        return None
    case: Row[Any] | None = None
    if not _is_worth_a_case(programme, signal, now):
        outcome = Outcome.PASSED_OVER
    elif (case := await _find(session, signal, _IS_UNFINISHED)) is not None:
        outcome = Outcome.ATTACHED
        await _attach(session, case, signal, now)
    elif (case := await _recurred(session, programme, signal, now)) is not None:
        outcome = Outcome.REOPENED
        position = await take_positions(session, streams, programme.slug, 1)
        joined = {"signals": [*case.signals, signal.key], **_period(signal)}
        await reopen(session, case, position, now, programme, note=signal.summary, about=signal.key, **joined)
    else:
        outcome = Outcome.OPENED
        case = await _draft(session, programme, signal, now)
    values = {"case_id": case and case.id, "vendor": case and case.vendor, "outcome": outcome}
    key = {"programme": programme.slug, "key": signal.key}
    await session.execute(insert(case_signals).values(**key, **values, **_last_words(signal, now)))
    return outcome


def _last_words(signal: Signal, now: datetime) -> dict[str, Any]:
    return {"document": signal.model_dump(mode="json", by_alias=True), "revision": signal.revision, "heard_at": now}


async def of_case(session: ReadSession, case: Row[Any]) -> list[dict[str, Any]]:
    """The signals that a case is about, each as it was heard last, in the order in which they joined."""
    c = case_signals.c
    found = scoped(select(c.key, c.document), case_signals, case.programme, session.principal).where(c.case_id == case.id)
    said = {row.key: row.document for row in await session.execute(found)}
    return [said[key] for key in case.signals if key in said]


async def _known(session: ReadSession, programme: str, key: str) -> Row[Any] | None:
    statement = scoped(select(case_signals), case_signals, programme, session.principal).where(case_signals.c.key == key)
    return (await session.execute(statement)).one_or_none()


async def _heard_again(session: WriteSession, known: Row[Any], signal: Signal, now: datetime) -> None:
    """Keep what a known signal says now; its case's history is told where the fault ended or is no longer shown."""
    before = Signal.model_validate(known.document)
    if before == signal:
        return
    this = scoped(update(case_signals), case_signals, known.programme, session.principal).where(case_signals.c.key == known.key)
    await session.execute(this.values(**_last_words(signal, now)))
    if known.case_id is not None and before.state != signal.state:
        found = visible(session, known.programme).where(cases.c.id == known.case_id)
        case = (await session.execute(found)).one()
        position = await take_positions(session, streams, known.programme, 1)
        event = Event(CaseEventKind.SIGNAL, now, position, about=signal.key, changed={"state": signal.state})
        await record(session, case, event)


def _is_worth_a_case(programme: Programme, signal: Signal, now: datetime) -> bool:
    """Whether a signal that is heard for the first time is of the present: not taken back, nor over for longer than the watch."""
    if signal.state is SignalState.ENDED:
        return day_of(now, programme.time_zone) - signal.period.to <= timedelta(days=programme.cases.watch_days)
    return signal.state is SignalState.ACTIVE


async def _find(session: ReadSession, signal: Signal, *conditions: Any) -> Row[Any] | None:
    """The case nearest to the fault that a signal tells of, among those of its vendor that meet the conditions."""
    c = cases.c
    of_vendor = c.vendor.is_(None) if signal.vendor is None else c.vendor == signal.vendor
    statement = visible(session, signal.programme).where(of_vendor, *conditions).order_by(c.id)
    found = [case for case in await session.execute(statement) if _is_of(case, signal)]
    return max(found, key=lambda case: nearness(_scope(signal), MetricFilter.model_validate(case.scope)), default=None)


def _is_of(case: Row[Any], signal: Signal) -> bool:
    """Whether a case is about the fault that a signal tells of."""
    return same_kind(measure_of(case), signal.measure) and overlaps(MetricFilter.model_validate(case.scope), _scope(signal))


def _scope(signal: Signal) -> MetricFilter:
    """The scope of a signal as that of its case would be."""
    return signal.scope.model_copy(update={"vendor": (signal.vendor,)}) if signal.vendor else signal.scope


async def _recurred(session: ReadSession, programme: Programme, signal: Signal, now: datetime) -> Row[Any] | None:
    """The closed case whose fault is back: it is watched still, and there were errors after it was closed."""
    case = await _find(session, signal, cases.c.watch_until >= now)
    return case if case is not None and signal.period.to > day_of(case.closed_at, programme.time_zone) else None


async def _attach(session: WriteSession, case: Row[Any], signal: Signal, now: datetime) -> None:
    """Let a signal join a case that goes on; in a further revision where its closure is next, so that whoever closes it knows."""
    position = await take_positions(session, streams, case.programme, 1)
    event = Event(CaseEventKind.SIGNAL, now, position, note=signal.summary, about=signal.key, changed={"state": signal.state})
    join = change_case if case.state == CaseState.VERIFICATION else complete_case
    await join(session, case, event, signals=[*case.signals, signal.key])


async def _draft(session: WriteSession, programme: Programme, signal: Signal, now: datetime) -> Row[Any]:
    """Open a case for a signal."""
    position = await take_positions(session, streams, programme.slug, 1)
    new = NewCase(
        vendor=signal.vendor,
        title=signal.summary[:_LONGEST_TITLE],
        description=signal.summary,
        scope=_scope(signal),
        measure=signal.measure,
        priority=priority_of(signal),
    )
    period = CasePeriod(from_=signal.period.from_, to=signal.period.to)
    due_at = root_cause_due(programme, now)
    return await open_case(
        session, programme.slug, new, position, now, period=period, due_at=due_at, origin="signal", signals=[signal.key]
    )


def _period(signal: Signal) -> dict[str, date]:
    return {"period_from": signal.period.from_, "period_to": signal.period.to}
