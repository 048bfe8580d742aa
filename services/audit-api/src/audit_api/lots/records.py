"""Lots as they stand: how each is inspected, what its audits came to by now, and what that says of it."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, and_, case, func, or_, select, true

from audit_api.audits.tables import audits
from audit_api.programmes.records import get_programme
from audit_api.sampling.tables import draw_strata, draws, lots, sample_items
from tallystick.schemas.audit import Verdict
from tallystick.schemas.lot import Lot, LotVerdict
from tallystick.schemas.sampling import ItemState, NewSamplingPlan
from tallystick.service.auth import Principal
from tallystick.service.database import ReadSession, scoped

_l, _d, _s, _i, _a = lots.c, draws.c, draw_strata.c, sample_items.c, audits.c
_ASKED = ("aql", "level")
"""What a lot has of its plan."""

Place = tuple[date, UUID, str]
"""Where a lot stands in the list: the first day of its period, its draw and its stratum."""


def lots_of_draws(programme: str, principal: Principal) -> Select[Any]:
    """The statement of all lots that a principal may see, with the plan and the period of their draws."""
    of_draw = and_(_d.programme == _l.programme, _d.id == _l.draw_id)
    statement: Select[Any] = select(lots, _d.plan_id, _d.plan_version, _d.first_day, _d.last_day)
    return scoped(statement.select_from(lots.join(draws, of_draw)), lots, programme, principal)


def judged(some: Select[Any]) -> Select[Any]:
    """The statement of some lots, with `audited`, `errors` and `verdict`: what their audits say, as adjudicated by now.

    A lot is rejected with its `reject`th error, and accepted once its sample is audited without. Where an item is void and none
    was left to take its place, the others are the sample. Of a lot without any audit nothing is known.
    """
    lot = some.subquery("lot")
    of_item = and_(_a.programme == _i.programme, _a.id == _i.audit_id)
    found = (
        select(
            func.count(_a.id).label("audited"),
            func.count(_a.id).filter(_a.verdict == Verdict.INCORRECT).label("errors"),
            func.count().filter(_i.state != ItemState.VOID).label("left"),
        )
        .select_from(sample_items.outerjoin(audits, of_item))
        .where(_i.programme == lot.c.programme, _i.draw_id == lot.c.draw_id, _i.stratum == lot.c.stratum)
        .correlate(lot)
        .lateral("found")
    )
    f = found.c
    whole = and_(f.audited > 0, f.audited >= func.least(lot.c.sample, f.left))
    verdict = case((f.errors >= lot.c.reject, LotVerdict.REJECTED), (whole, LotVerdict.ACCEPTED), else_=LotVerdict.OPEN)
    return select(lot, f.audited, f.errors, verdict.label("verdict")).select_from(lot.join(found, true()))


async def list_lots(
    session: ReadSession,
    programme: str,
    *,
    vendors: Sequence[str],
    draw_ids: Sequence[UUID],
    verdicts: Sequence[LotVerdict],
    before: Place | None,
    limit: int,
) -> list[Lot]:
    """Lots by vendor, draw and verdict, newest period first, those after a place in the list.

    Only the lots of the page are judged, unless a verdict is looked for.
    """
    await get_programme(session, programme)
    some = lots_of_draws(programme, session.principal).add_columns(_d.design)
    if vendors:
        some = some.where(_l.vendor.in_(vendors))
    if draw_ids:
        some = some.where(_l.draw_id.in_(draw_ids))
    if before is not None:
        some = some.where(_after(*before))
    if not verdicts:
        some = some.order_by(_d.first_day.desc(), _l.draw_id.desc(), _l.stratum).limit(limit)
    statement = judged(some)
    lot = statement.selected_columns
    of_stratum = and_(_s.programme == lot.programme, _s.draw_id == lot.draw_id, _s.stratum == lot.stratum)
    statement = statement.join(draw_strata, of_stratum).add_columns(_s["values"], _s.decisions)
    if verdicts:
        statement = statement.where(lot.verdict.in_(verdicts))
    statement = statement.order_by(lot.first_day.desc(), lot.draw_id.desc(), lot.stratum).limit(limit)
    return [_lot(row._mapping) for row in await session.execute(statement)]


def _after(day: date, draw_id: UUID, stratum: str) -> ColumnElement[bool]:
    same_day = and_(_d.first_day == day, or_(_l.draw_id < draw_id, and_(_l.draw_id == draw_id, _l.stratum > stratum)))
    return and_(_d.first_day <= day, or_(_d.first_day < day, same_day))


def _lot(row: RowMapping) -> Lot:
    asked = NewSamplingPlan.model_validate(row["design"]).allocation.model_dump(include=set(_ASKED))
    return Lot(**{name: row[name] for name in Lot.model_fields if name not in _ASKED}, **asked)
