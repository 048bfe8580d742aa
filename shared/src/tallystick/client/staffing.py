"""Staffing: plans of who is to audit what."""

from collections.abc import AsyncIterator
from uuid import UUID

from tallystick.client.transport import Query, Transport, parsed
from tallystick.schemas.staffing import NewStaffingPlan, StaffingPlan, StaffingPlanHead, StaffingPlanPage


class StaffingPlans:
    """The staffing plans of a programme."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._plans = f"{address}/v1/staffing-plans"

    async def make(self, programme: str, new: NewStaffingPlan) -> StaffingPlan:
        """Arrange people for a period. It may take half a minute.

        Raises:
            ProblemError: 429 while other plans are being made.
        """
        return await self._transport.create(StaffingPlan, self._plans, new, {"programme": programme})

    async def list(self, programme: str, *, page: int = 100) -> AsyncIterator[StaffingPlanHead]:
        """The plans without their parts, newest first."""
        query: Query = {"programme": programme, "limit": page}
        async for response in self._transport.pages(self._plans, query):
            for plan in parsed(StaffingPlanPage, response).items:
                yield plan

    async def read(self, programme: str, plan: UUID) -> StaffingPlan:
        """One plan: whole for managers, their own part for who audits."""
        return await self._transport.read(StaffingPlan, f"{self._plans}/{plan}", {"programme": programme})
