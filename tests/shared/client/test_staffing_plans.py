"""The client and the staffing plans of audit-api, together on a socket."""

from datetime import date, timedelta
from pathlib import Path

from tallystick.client import Tallystick
from tallystick.identity import sign_token
from tallystick.schemas.principal import Role
from tallystick.schemas.staffing import NewStaffingPlan


async def test_a_plan_is_made_listed_and_read(audit_address: str, identity: Path, programme: str) -> None:
    """Made once, it is read as it was answered."""
    token = sign_token(
        identity, subject="boss", roles=[Role.QUALITY_MANAGER], programmes=["*"], vendor=None, ttl=timedelta(minutes=10)
    )
    new = NewStaffingPlan(first_day=date(2026, 11, 30), last_day=date(2026, 12, 4))
    async with Tallystick(token=token, audit=audit_address) as manager:
        made = await manager.staffing_plans.make(programme, new)
        listed = [plan async for plan in manager.staffing_plans.list(programme)]
        read = await manager.staffing_plans.read(programme, made.id)

    assert read == made
    assert [plan.id for plan in listed] == [made.id]
