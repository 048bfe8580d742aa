"""Reading evidence, keeping what was gathered, finding earlier cases that are alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from rca_api.cases.history import Event
from rca_api.cases.records import complete_case, get_case, measure_of, visible
from rca_api.cases.tables import cases
from rca_api.causes.tables import causes
from rca_api.evidence.tables import case_evidence
from rca_api.metadata import streams
from rca_api.signals.matching import overlaps, same_kind
from tallystick.schemas.case import Audience, CaseEventKind
from tallystick.schemas.cause import CauseState
from tallystick.schemas.evidence import CaseEvidence, CaseEvidenceKind
from tallystick.schemas.metric import MetricFilter
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.feed import take_positions

_SHOWN = tuple(CaseEvidence.model_fields)
_MOST_SIMILAR = 5
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
"""Before what could not be gathered is tried again."""
_LOOKED_AT = 500
"""Earlier cases that are compared."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A piece of evidence before it is kept."""

    kind: CaseEvidenceKind
    audience: Audience
    content: dict[str, Any] | None
    reason: str | None = None


async def list_evidence(session: ReadSession, programme: str, case_id: UUID) -> list[dict[str, Any]]:
    """The evidence of a case that the principal may read, by kind."""
    c = case_evidence.c
    statement = scoped(select(case_evidence), case_evidence, programme, session.principal).where(c.case_id == case_id)
    rows = await session.execute(statement.order_by(c.audience, c.kind))
    return [{name: row._mapping[name] for name in _SHOWN} for row in rows]


async def wanted(session: ReadSession, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """Cases of all programmes whose evidence is to be gathered by now, those that wait longest first."""
    c = cases.c
    due = select(cases).where(c.evidence_wanted_at.is_not(None), or_(c.evidence_try_at.is_(None), c.evidence_try_at <= now))
    return (await session.execute(due.order_by(c.evidence_wanted_at).limit(limit))).all()


async def put_off(session: WriteSession, asked: Row[Any], now: datetime) -> None:
    """Try a case that nothing could be gathered for again after as long as it has waited by now: each time later.

    Nothing that anybody reads changes by it, so no position is taken.
    """
    pause = min(max(now - asked.evidence_wanted_at, SHORTEST_PAUSE), LONGEST_PAUSE)
    this = scoped(update(cases), cases, asked.programme, session.principal).where(
        cases.c.id == asked.id, cases.c.evidence_wanted_at == asked.evidence_wanted_at
    )
    await session.execute(this.values(evidence_try_at=now + pause))


async def keep(session: WriteSession, asked: Row[Any], gathered: Sequence[Gathered], now: datetime) -> bool:
    """Keep what was gathered for a case as it was `asked` for; answers whether it is wanted still.

    Of several replicas that gathered the same, one keeps it.
    """
    position = await take_positions(session, streams, asked.programme, 1)
    current = await get_case(session, asked.programme, asked.id)
    if current.evidence_wanted_at != asked.evidence_wanted_at:
        await session.roll_back()
        return False
    pieces = [*gathered, *await _similar(session, current)]
    for each in pieces:
        values = {
            "content": each.content,
            "reason": each.reason,
            "gathered_at": now,
            "vendor": current.vendor if each.audience is Audience.VENDOR else None,
        }
        key = {"programme": current.programme, "case_id": current.id, "audience": each.audience, "kind": each.kind}
        statement = insert(case_evidence).values(**key, **values)
        await session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))
    event = Event(CaseEventKind.EVIDENCE, now, position)
    await complete_case(session, current, event, evidence_wanted_at=None, evidence_try_at=None, evidence_at=now)
    return True


async def _similar(session: ReadSession, case: Row[Any]) -> list[Gathered]:
    """Earlier cases about the same kind of fault in a part of the programme that overlaps, for each audience its own."""
    scope, measure = MetricFilter.model_validate(case.scope), measure_of(case)
    earlier = visible(session, case.programme).where(cases.c.id < case.id).order_by(cases.c.id.desc()).limit(_LOOKED_AT)
    alike = [
        row
        for row in await session.execute(earlier)
        if same_kind(measure_of(row), measure) and overlaps(_anywhere(MetricFilter.model_validate(row.scope)), _anywhere(scope))
    ]
    alike.sort(key=lambda row: (row.vendor != case.vendor, -row.opened_at.timestamp()))
    audiences = [Audience.INTERNAL, *([Audience.VENDOR] if case.vendor else [])]
    pieces = []
    for audience in audiences:
        own = [row for row in alike if audience is Audience.INTERNAL or row.vendor == case.vendor][:_MOST_SIMILAR]
        codes = await _causes_of(session, case.programme, [row.id for row in own], audience)
        items = [
            {
                "id": str(row.id),
                "title": row.title,
                "vendor": row.vendor,
                "state": row.state,
                "opened_at": row.opened_at.isoformat(),
                "conclusion": row.conclusion,
                "causes": codes.get(row.id, []),
            }
            for row in own
        ]
        pieces.append(Gathered(CaseEvidenceKind.SIMILAR, audience, {"items": items}))
    return pieces


def _anywhere(scope: MetricFilter) -> MetricFilter:
    """A scope whatever its vendor: what one vendor found out helps with another."""
    return scope.model_copy(update={"vendor": ()})


async def _causes_of(session: ReadSession, programme: str, ids: Sequence[UUID], audience: Audience) -> dict[UUID, list[str]]:
    """The codes of accepted causes by case, as an audience may read them."""
    c = causes.c
    statement = scoped(select(c.case_id, c.code), causes, programme, session.principal)
    statement = statement.where(c.case_id.in_(ids), c.state == CauseState.ACCEPTED).order_by(c.code)
    if audience is Audience.VENDOR:
        statement = statement.where(c.audience == Audience.VENDOR)
    codes: dict[UUID, list[str]] = {}
    for row in (await session.execute(statement)).all():
        codes.setdefault(row.case_id, []).append(row.code)
    return codes
