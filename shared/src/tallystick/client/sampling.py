"""Sampling: plans, what they would come to, their draws, and what it takes to repeat these."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from tallystick.client.transport import Query, Transport, parsed
from tallystick.schemas.sampling import (
    Draw,
    DrawPage,
    DrawState,
    DrawStrata,
    DrawStratum,
    NewSamplingPlan,
    PlanPreview,
    PlanState,
    Receipt,
    SamplingPlan,
    SamplingPlanPage,
    SamplingPlanVersion,
    SamplingPlanVersions,
)


class SamplingPlans:
    """The sampling plans of a programme."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._plans = f"{address}/v1/sampling-plans"
        self._previews = f"{address}/v1/sampling-plan-previews"

    async def draft(self, programme: str, plan: NewSamplingPlan) -> SamplingPlan:
        """Draft a plan."""
        return await self._transport.create(SamplingPlan, self._plans, plan, {"programme": programme})

    async def list(self, programme: str, states: Sequence[PlanState] = (), *, page: int = 100) -> AsyncIterator[SamplingPlan]:
        """The plans in any of the states, or all, newest first."""
        query: Query = {"programme": programme, "state": states, "limit": page}
        async for response in self._transport.pages(self._plans, query):
            for plan in parsed(SamplingPlanPage, response).items:
                yield plan

    async def read(self, programme: str, plan: UUID) -> SamplingPlan:
        """One plan as it stands."""
        return await self._transport.read(SamplingPlan, f"{self._plans}/{plan}", {"programme": programme})

    async def versions(self, programme: str, plan: UUID) -> tuple[SamplingPlanVersion, ...]:
        """The published versions of a plan, newest first."""
        return (
            await self._transport.read(SamplingPlanVersions, f"{self._plans}/{plan}/versions", {"programme": programme})
        ).items

    async def preview(self, programme: str, plan: NewSamplingPlan) -> PlanPreview:
        """What a plan would come to in a period; nothing is kept."""
        query = {"programme": programme}
        return parsed(PlanPreview, await self._transport.request("POST", self._previews, query=query, body=plan))

    async def change(self, programme: str, plan: UUID, new: NewSamplingPlan, *, revision: int) -> SamplingPlan:
        """Replace the `revision` of a plan that was read."""
        headers = {"If-Match": f'"{revision}"'}
        address, query = f"{self._plans}/{plan}", {"programme": programme}
        return parsed(SamplingPlan, await self._transport.request("PUT", address, query=query, body=new, headers=headers))

    async def publish(self, programme: str, plan: UUID, *, revision: int) -> SamplingPlan:
        """Publish the `revision` of a plan that was read, and commit the draws to come."""
        return await self._move(programme, plan, "publication", revision)

    async def retire(self, programme: str, plan: UUID, *, revision: int) -> SamplingPlan:
        """End a plan, from the `revision` of it that was read."""
        return await self._move(programme, plan, "retirement", revision)

    async def _move(self, programme: str, plan: UUID, step: str, revision: int) -> SamplingPlan:
        address, headers = f"{self._plans}/{plan}/{step}", {"If-Match": f'"{revision}"'}
        return parsed(
            SamplingPlan, await self._transport.request("POST", address, query={"programme": programme}, headers=headers)
        )


class Draws:
    """The draws of a programme, as the caller may see them."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._draws = f"{address}/v1/draws"

    async def list(
        self, programme: str, *, plan: UUID | None = None, states: Sequence[DrawState] = (), page: int = 100
    ) -> AsyncIterator[Draw]:
        """The draws of a plan, or all, newest period first."""
        query: Query = {"programme": programme, "state": states, "limit": page}
        if plan is not None:
            query = {**query, "plan_id": str(plan)}
        async for response in self._transport.pages(self._draws, query):
            for draw in parsed(DrawPage, response).items:
                yield draw

    async def read(self, programme: str, draw: UUID) -> Draw:
        """One draw as it stands."""
        return await self._transport.read(Draw, f"{self._draws}/{draw}", {"programme": programme})

    async def strata(
        self, programme: str, draw: UUID, vendors: Sequence[str] = (), *, page: int = 1000
    ) -> AsyncIterator[DrawStratum]:
        """The strata of a draw, of these vendors or of all."""
        query: Query = {"programme": programme, "vendor": vendors, "limit": page}
        async for response in self._transport.pages(f"{self._draws}/{draw}/strata", query):
            for stratum in parsed(DrawStrata, response).items:
                yield stratum

    async def receipt(self, programme: str, draw: UUID, vendor: str) -> Receipt:
        """What it takes to repeat a draw for a vendor.

        Raises:
            ProblemError: 409 where it is not drawn yet.
        """
        query = {"programme": programme, "vendor": vendor}
        return await self._transport.read(Receipt, f"{self._draws}/{draw}/receipt", query)

    async def make(self, programme: str, draw: UUID) -> Draw:
        """Make a draw that is due, or answer the one that was made.

        Raises:
            ProblemError: 409 where it is not due.
        """
        return parsed(
            Draw, await self._transport.request("POST", f"{self._draws}/{draw}/drawing", query={"programme": programme})
        )
