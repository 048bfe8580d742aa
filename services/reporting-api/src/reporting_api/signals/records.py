"""Keeping signals, listing them, and their changes."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, or_, select
from sqlalchemy.dialects.postgresql import insert

from reporting_api.projection.cursors import find_cursor
from reporting_api.signals.findings import Finding, signal_id
from reporting_api.signals.ground import Ground
from reporting_api.signals.searches import last_searches
from reporting_api.tables import detections, signals, streams
from tallystick.schemas.metric import MetricFilter, Period
from tallystick.schemas.signal import Detector, Signal, SignalState
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.feed import rows_after, take_positions
from tallystick.service.problems import NotFound

_SAME = ("rule", "state", "direction", "raised_on", "until", "time_zone", "strength", "observed", "expected", "summary")
"""What of a signal may change while it stays the same one."""


def document(row: Row[Any]) -> Signal:
    """A signal as its GET shows it."""
    return Signal(
        programme=row.programme,
        id=UUID(str(row.id)),
        key=row.key,
        revision=row.revision,
        position=row.position,
        vendor=row.vendor,
        detector=row.detector,
        rule=row.rule,
        measure=row.measure,
        scope=MetricFilter.model_validate(row.scope),
        state=row.state,
        direction=row.direction,
        since=row.since,
        raised_on=row.raised_on,
        period=Period(from_=row.since, to=row.until, time_zone=row.time_zone),
        strength=row.strength,
        observed=row.observed,
        expected=row.expected,
        summary=row.summary,
        chart=f"/reporting/v1/charts/signal?programme={row.programme}&signal={row.id}",
    )


async def keep(
    session: WriteSession, ground: Ground, findings: Iterable[Finding], looking: frozenset[Detector], version: str
) -> int | None:
    """Bring the signals of a programme to what was found; answers how many changed, None where others know newer facts.

    Replicas do this one after the other under the lock of the programme's stream. A signal that is what it was stays untouched,
    so that nobody who follows the feed reads of it again; one that the facts no longer show is withdrawn.
    """
    programme = ground.document.slug
    await take_positions(session, streams, programme, 0)
    if not await _is_newest(session, ground):
        return None
    statement = scoped(select(signals), signals, programme, session.principal)
    known = {row.id: row for row in await session.execute(statement)}
    changed: list[dict[str, Any]] = []
    found = {signal_id(programme, finding.key): finding for finding in findings}
    for each, finding in found.items():
        content = _content(finding, ground.document.time_zone)
        row = known.get(each)
        if row is None:
            changed.append({"id": each, "revision": 1, **content})
        elif any(getattr(row, name) != content[name] for name in _SAME):
            changed.append({"id": each, "revision": row.revision + 1, **content})
    for each, row in known.items():
        if each not in found and row.detector in looking and row.state != SignalState.WITHDRAWN:
            kept = {name: getattr(row, name) for name in signals.c.keys() if name not in {"programme", "position"}}  # noqa: SIM118
            changed.append({**kept, "revision": row.revision + 1, "state": SignalState.WITHDRAWN.value})
    if changed:
        first = await take_positions(session, streams, programme, len(changed))
        rows = [{"programme": programme, "position": first + place, **each} for place, each in enumerate(changed)]
        adding = insert(signals)
        updated = {name: adding.excluded[name] for name in ("revision", "position", *_SAME)}
        await session.execute(adding.on_conflict_do_update(index_elements=["programme", "id"], set_=updated), rows)
    searched = {"begun_at": ground.begun_at, "position": ground.position, "day": ground.today, "version": version}
    noting = insert(detections).values(programme=programme, **searched)
    await session.execute(noting.on_conflict_do_update(index_elements=["programme"], set_=searched))
    return len(changed)


async def _is_newest(session: WriteSession, ground: Ground) -> bool:
    """Whether nobody has kept what newer facts show, and the projection is still the one that was searched."""
    cursor = await find_cursor(session, ground.document.slug)
    if cursor is None or cursor.created_at != ground.begun_at:
        return False
    last = (await last_searches(session, [ground.document.slug])).get(ground.document.slug)
    return last is None or last.begun_at != ground.begun_at or (last.position, last.day) <= (ground.position, ground.today)


def _content(finding: Finding, time_zone: str) -> dict[str, Any]:
    return {
        "key": finding.key,
        "vendor": finding.vendor,
        "detector": finding.detector.value,
        "rule": finding.rule,
        "measure": finding.measure,
        "scope": finding.scope.given(),
        "state": finding.state.value,
        "direction": finding.direction,
        "since": finding.since,
        "raised_on": finding.raised_on,
        "until": finding.until,
        "time_zone": time_zone,
        "strength": finding.strength,
        "observed": asdict(finding.observed),
        "expected": None if finding.expected is None else asdict(finding.expected),
        "summary": finding.summary,
    }


async def get_signal(session: ReadSession, programme: str, signal: UUID) -> Row[Any]:
    """One signal.

    Raises:
        NotFound: there is none that the principal may see.
    """
    row = (await session.execute(_visible(session, programme).where(signals.c.id == signal))).one_or_none()
    if row is None:
        raise NotFound("There is no such signal.")
    return row


async def list_signals(
    session: ReadSession,
    programme: str,
    *,
    vendors: Sequence[str],
    detectors: Sequence[Detector],
    states: Sequence[SignalState],
    start: date | None,
    end: date | None,
    before: tuple[date, UUID] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Signals that pass all filters, raised from `start` up to and not including `end`; those raised last first."""
    of = signals.c
    statement = _visible(session, programme).order_by(of.raised_on.desc(), of.id.desc()).limit(limit)
    for column, values in ((of.vendor, vendors), (of.detector, detectors), (of.state, states)):
        if values:
            statement = statement.where(column.in_(values))
    if start is not None:
        statement = statement.where(of.raised_on >= start)
    if end is not None:
        statement = statement.where(of.raised_on < end)
    if before is not None:
        statement = statement.where(or_(of.raised_on < before[0], and_(of.raised_on == before[0], of.id < before[1])))
    return (await session.execute(statement)).all()


def _visible(session: ReadSession, programme: str) -> Select[Any]:
    return scoped(select(signals), signals, programme, session.principal)


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Signals as the feed shows them."""
    return [
        {
            "position": row.position,
            "id": row.id,
            "revision": row.revision,
            "erased": False,
            "data": document(row).model_dump(mode="json"),
        }
        for row in await rows_after(session, signals, programme, after, limit)
    ]
