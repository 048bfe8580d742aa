"""How the next lot of a stratum is inspected: a fold over its lots before, in the order of their periods."""

from uuid import UUID

from audit_api.lots.records import judged, lots_of_draws
from audit_api.lots.standard import Plan
from audit_api.lots.switching import Judged, Standing, follow, resume
from audit_api.sampling.tables import draws
from tallystick.schemas.lot import LotVerdict, Severity105
from tallystick.schemas.sampling import AcceptanceAllocation
from tallystick.service.database import ReadSession


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
    standings: dict[str, Standing] = {}
    stopped: dict[str, int] = {}
    of_plan = judged(lots_of_draws(programme, session.principal).where(draws.c.plan_id == plan_id))
    shown = of_plan.selected_columns
    for row in await session.execute(of_plan.order_by(shown.first_day, shown.stratum)):
        before = _resumed(standings.get(row.stratum, Standing()), stopped.get(row.stratum), row.plan_version)
        if row.verdict == LotVerdict.OPEN or before.severity is Severity105.DISCONTINUED:
            continue
        plan = Plan(row.code_letter, row.sample, row.accept, row.reject)
        lot = Judged(row.verdict == LotVerdict.ACCEPTED, row.audited, row.errors, plan.marginal(row.errors))
        standings[row.stratum] = after = follow(before, lot, wanted.aql)
        if after.severity is Severity105.DISCONTINUED:
            stopped[row.stratum] = row.plan_version
    return {stratum: _resumed(standing, stopped.get(stratum), version).severity for stratum, standing in standings.items()}


def _resumed(standing: Standing, stopped: int | None, version: int | None) -> Standing:
    discontinued = standing.severity is Severity105.DISCONTINUED
    return resume(standing) if discontinued and stopped is not None and version is not None and version > stopped else standing
