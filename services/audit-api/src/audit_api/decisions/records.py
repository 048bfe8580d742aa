"""Reading what is kept of decisions: their sources and batches, and what taking in more of them must know."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, tuple_

from audit_api.decisions.tables import decision_batches, decision_cuts, decision_frames, decision_sources
from audit_api.decisions.tally import DrawTerms
from audit_api.sampling.tables import draw_keys, draw_strata, draws
from tallystick.schemas.sampling import DrawState, NewSamplingPlan
from tallystick.service.auth import ALL, Principal
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.problems import NotFound

COUNTS = ("rows", "repeated", "counted", "late", "candidates")


async def hold_decisions(session: WriteSession, programme: str) -> None:
    """Let nobody else count decisions of the programme until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"decisions\x1f{programme}", 0))))


def owner_of(principal: Principal) -> str:
    """Whose sources the principal sends: a vendor's own, or the client's."""
    return ALL if principal.vendor is None else principal.vendor


async def find_source(session: ReadSession, programme: str, owner: str, source: str) -> Row[Any] | None:
    """A source as it stands; None before its first batch."""
    s = decision_sources.c
    statement = scoped(select(decision_sources), decision_sources, programme, session.principal)
    return (await session.execute(statement.where(s.owner == owner, s.source == source))).one_or_none()


async def get_source(session: ReadSession, programme: str, owner: str, source: str) -> Row[Any]:
    """A source as it stands; a problem where there is none to see."""
    row = await find_source(session, programme, owner, source)
    if row is None:
        raise NotFound("There is no such source.")
    return row


async def list_sources(
    session: ReadSession, programme: str, vendors: Sequence[str], after: Sequence[str] | None, limit: int
) -> Sequence[Row[Any]]:
    """Sources by owner and name, the client's own first."""
    s = decision_sources.c
    statement = scoped(select(decision_sources), decision_sources, programme, session.principal)
    if vendors:
        statement = statement.where(s.vendor.in_(vendors))
    if after is not None:
        statement = statement.where(tuple_(s.owner, s.source) > tuple(after))
    return (await session.execute(statement.order_by(s.owner, s.source).limit(limit))).all()


def source_document(row: Row[Any]) -> dict[str, Any]:
    """A source as the API shows it."""
    return {str(name): value for name, value in row._mapping.items() if name != "owner"}


async def get_batch(session: ReadSession, programme: str, batch_id: UUID) -> dict[str, Any]:
    """A batch as its GET shows it; a problem where there is none to see."""
    statement = scoped(select(decision_batches), decision_batches, programme, session.principal)
    row = (await session.execute(statement.where(decision_batches.c.id == batch_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such batch.")
    return batch_document(row._mapping, session.principal)


def batch_document(batch: Any, principal: Principal) -> dict[str, Any]:
    """A batch as the API shows it, from its row or from what is to become one. What may be drawn is told to no vendor."""
    counts = {name: batch[name] for name in COUNTS} | {"rejected": batch["rejected_rows"]}
    if principal.vendor is not None:
        counts["candidates"] = None
    return {str(name): value for name, value in batch.items() if name not in {*COUNTS, "rejected_rows"}} | {"counts": counts}


async def read_draws(session: ReadSession, sender: Principal, programme: str, until: date) -> list[DrawTerms]:
    """What taking in decisions must know of the draws whose periods begin by a day, of strata that the sender may send.

    Keys are there for no vendor, so the session is the service's own.
    """
    d, k, s, c = draws.c, draw_keys.c, draw_strata.c, decision_cuts.c
    statement = select(d.id, d.revision, d.state, d.first_day, d.last_day, d.design, d.reserve, k.key)
    statement = statement.join(draw_keys, (k.programme == d.programme) & (k.draw_id == d.id))
    this = (d.state != DrawState.WITHDRAWN, d.first_day <= until)
    found: dict[UUID, DrawTerms] = {}
    for row in await session.execute(scoped(statement, draws, programme, session.principal).where(*this)):
        plan = NewSamplingPlan.model_validate(row.design)
        is_open = row.state == DrawState.COMMITTED
        found[row.id] = DrawTerms(
            row.id, row.revision, row.first_day, row.last_day, plan.scope, is_open, plan.dimensions(), row.key, row.reserve
        )
    committed = scoped(select(d.id), draws, programme, session.principal).where(*this, d.state == DrawState.COMMITTED)
    expected = scoped(select(s.draw_id, s.stratum, s.reserve), draw_strata, programme, sender)
    expected = expected.where(s.draw_id.in_(committed))
    for row in await session.execute(expected):
        found[row.draw_id].reserves[row.stratum] = row.reserve
    cut = scoped(select(c.draw_id, c.stratum, c.cut), decision_cuts, programme, sender).where(c.draw_id.in_(committed))
    for row in await session.execute(cut):
        found[row.draw_id].cuts[row.stratum] = row.cut
    return list(found.values())


async def hold_draws(session: WriteSession, programme: str, until: date) -> dict[UUID, int]:
    """The draws to come whose periods begin by a day, with their revisions.

    They are held: none of them is made or changed before the transaction ends.
    """
    d = draws.c
    statement = scoped(select(d.id, d.revision), draws, programme, session.principal)
    statement = statement.where(d.state == DrawState.COMMITTED, d.first_day <= until)
    return {row.id: row.revision for row in await session.execute(statement.order_by(d.id).with_for_update(read=True))}


async def read_elsewhere(session: ReadSession, programme: str, owner: str) -> frozenset[tuple[str, date]]:
    """The vendors and days that another than `owner` counts."""
    f = decision_frames.c
    statement = scoped(select(f.vendor, f.day).distinct(), decision_frames, programme, session.principal)
    return frozenset((row.vendor, row.day) for row in await session.execute(statement.where(f.owner != owner)))
