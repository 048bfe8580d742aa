"""How the next lot of a stratum is inspected: a fold over its lots before, in the order of their periods."""

from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select

from audit_api.audits.tables import audits
from audit_api.lots.standard import Plan
from audit_api.lots.switching import Rules, Standing, follow, judged, resume
from audit_api.sampling.tables import draws, lots, sample_items
from tallystick.schemas.audit import Verdict
from tallystick.schemas.lot import Severity105
from tallystick.schemas.sampling import AcceptanceAllocation
from tallystick.service.database import ReadSession

_l, _d, _i, _a = lots.c, draws.c, sample_items.c, audits.c


async def severities(
    session: ReadSession, programme: str, plan_id: UUID, wanted: AcceptanceAllocation, version: int | None = None
) -> dict[str, Severity105]:
    """The severity of the next lot of each stratum of a plan that had lots before, by the stratum's code.

    Lots that are not judged yet are passed over. Where acceptance was discontinued, a later version of the plan resumes it under
    tightened inspection: it is what client and vendor agree on after the vendor has acted.

    Args:
        session: of the client or of the service itself: the lots are those of all vendors.
        programme: whose plan it is.
        plan_id: the plan.
        wanted: its allocation.
        version: of the plan, that the next lots are drawn by; without it that of the last ones.
    """
    rules = Rules(wanted.aql)
    standings: dict[str, Standing] = {}
    stopped: dict[str, int] = {}
    for row in await session.execute(_judged_lots(programme, plan_id)):
        before = _resumed(standings.get(row.stratum, Standing()), stopped.get(row.stratum), row.plan_version)
        lot = judged(Plan(row.code_letter, row.sample, row.accept, row.reject), row.audited, row.errors)
        if lot is None or before.severity is Severity105.DISCONTINUED:
            continue
        standings[row.stratum] = after = follow(before, lot, rules)
        if after.severity is Severity105.DISCONTINUED:
            stopped[row.stratum] = row.plan_version
    return {stratum: _resumed(standing, stopped.get(stratum), version).severity for stratum, standing in standings.items()}


def _resumed(standing: Standing, stopped: int | None, version: int | None) -> Standing:
    discontinued = standing.severity is Severity105.DISCONTINUED
    return resume(standing) if discontinued and stopped is not None and version is not None and version > stopped else standing


def _judged_lots(programme: str, plan_id: UUID) -> Any:
    """The lots of a plan with what their audits came to, as adjudicated by now; oldest period first."""
    of_draw = and_(_d.programme == _l.programme, _d.id == _l.draw_id)
    of_lot = and_(_i.programme == _l.programme, _i.draw_id == _l.draw_id, _i.stratum == _l.stratum)
    of_item = and_(_a.programme == _i.programme, _a.id == _i.audit_id, _a.erased.is_(other=False))
    found = func.count(_a.id), func.count(_a.id).filter(_a.verdict == Verdict.INCORRECT)
    shared = _l.stratum, _l.code_letter, _l.sample, _l.accept, _l.reject, _d.plan_version, _d.first_day
    return (
        select(*shared, found[0].label("audited"), found[1].label("errors"))
        .select_from(lots.join(draws, of_draw).outerjoin(sample_items, of_lot).outerjoin(audits, of_item))
        .where(_l.programme == programme, _d.plan_id == plan_id)
        .group_by(_l.draw_id, *shared)
        .order_by(_d.first_day, _l.stratum)
    )
