"""What is done about root causes: actions, the plans that judge them, notices, coaching and objectives."""

from collections.abc import AsyncIterator
from uuid import UUID

from tallystick.client.transport import Query, Transport, parsed
from tallystick.schemas.action import Action, ActionChange, ActionMove, ActionPage, NewAction
from tallystick.schemas.coaching import (
    Coaching,
    CoachingAnswer,
    CoachingCancellation,
    CoachingNotes,
    CoachingPage,
    NewCoaching,
)
from tallystick.schemas.effect import EffectPlan
from tallystick.schemas.notice import Notice, NoticePage
from tallystick.schemas.objective import NewObjective, Objective, ObjectivePage, ObjectiveRead
from tallystick.schemas.plan import CasePlan, Extension, PlanVersions


class Actions:
    """The actions of a programme."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._cases = f"{address}/v1/cases"
        self._address = f"{address}/v1/actions"

    async def agree(self, programme: str, case: UUID, action: NewAction) -> Action:
        """Agree on an action of a case."""
        return await self._transport.create(Action, f"{self._cases}/{case}/actions", action, {"programme": programme})

    async def list(self, programme: str, filters: Query | None = None, *, page: int = 100) -> AsyncIterator[Action]:
        """Every action that passes the filters, such as `{"mine": True, "overdue": True}`, newest first."""
        query = {**(filters or {}), "programme": programme, "limit": page}
        async for response in self._transport.pages(self._address, query):
            for action in parsed(ActionPage, response).items:
                yield action

    async def read(self, programme: str, action: UUID) -> Action:
        """One action as it stands."""
        return await self._transport.read(Action, f"{self._address}/{action}", {"programme": programme})

    async def change(self, programme: str, action: UUID, change: ActionChange, *, revision: int) -> Action:
        """Give the `revision` of an action that was read another owner or due date."""
        address = f"{self._address}/{action}"
        return await self._transport.patch(Action, address, change, {"programme": programme}, revision=revision)

    async def step(self, programme: str, action: UUID, move: ActionMove, *, revision: int) -> Action:
        """Move the `revision` of an action that was read on."""
        address = f"{self._address}/{action}/steps"
        return await self._transport.change(Action, address, move, {"programme": programme}, revision=revision)


class Plans:
    """How the effects of cases are judged."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._cases = f"{address}/v1/cases"

    async def register(self, programme: str, case: UUID, plan: EffectPlan, *, revision: int | None = None) -> CasePlan:
        """Register a case's first plan, or another one in place of the `revision` that was read."""
        headers = {} if revision is None else {"If-Match": f'"{revision}"'}
        response = await self._transport.request(
            "PUT", f"{self._cases}/{case}/plan", query={"programme": programme}, body=plan, headers=headers
        )
        return parsed(CasePlan, response)

    async def read(self, programme: str, case: UUID) -> CasePlan:
        """The plan of a case, and what was judged."""
        return await self._transport.read(CasePlan, f"{self._cases}/{case}/plan", {"programme": programme})

    async def versions(self, programme: str, case: UUID, *, page: int = 100) -> AsyncIterator[CasePlan]:
        """What the plan was before, newest first."""
        query: Query = {"programme": programme, "limit": page}
        async for response in self._transport.pages(f"{self._cases}/{case}/plan/versions", query):
            for plan in parsed(PlanVersions, response).items:
                yield plan

    async def extend(self, programme: str, case: UUID, extension: Extension, *, revision: int) -> CasePlan:
        """Put off the end of the verification window of the `revision` that was read."""
        address = f"{self._cases}/{case}/plan/extensions"
        return await self._transport.change(CasePlan, address, extension, {"programme": programme}, revision=revision)


class Notices:
    """What people are told."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = f"{address}/v1/notices"

    async def list(self, programme: str, filters: Query | None = None, *, page: int = 100) -> AsyncIterator[Notice]:
        """Every notice that passes the filters, such as `{"mine": True}`, newest first."""
        query = {**(filters or {}), "programme": programme, "limit": page}
        async for response in self._transport.pages(self._address, query):
            for notice in parsed(NoticePage, response).items:
                yield notice

    async def read(self, programme: str, notice: UUID) -> Notice:
        """One notice, such as a webhook names."""
        return await self._transport.read(Notice, f"{self._address}/{notice}", {"programme": programme})


class CoachingSessions:
    """The coaching sessions of a programme."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = f"{address}/v1/coaching-sessions"

    async def arrange(self, programme: str, coaching: NewCoaching) -> Coaching:
        """Arrange a session."""
        return await self._transport.create(Coaching, self._address, coaching, {"programme": programme})

    async def list(self, programme: str, filters: Query | None = None, *, page: int = 100) -> AsyncIterator[Coaching]:
        """Every session that passes the filters, such as `{"mine": True}`, newest first."""
        query = {**(filters or {}), "programme": programme, "limit": page}
        async for response in self._transport.pages(self._address, query):
            for coaching in parsed(CoachingPage, response).items:
                yield coaching

    async def read(self, programme: str, coaching: UUID) -> Coaching:
        """One session as it stands."""
        return await self._transport.read(Coaching, f"{self._address}/{coaching}", {"programme": programme})

    async def hold(self, programme: str, coaching: UUID, notes: CoachingNotes, *, revision: int) -> Coaching:
        """Say that it was held, and what was said."""
        return await self._change(programme, coaching, "notes", notes, revision)

    async def answer(self, programme: str, coaching: UUID, answer: CoachingAnswer, *, revision: int) -> Coaching:
        """The coached person's own word."""
        return await self._change(programme, coaching, "answer", answer, revision)

    async def cancel(self, programme: str, coaching: UUID, reason: str, *, revision: int) -> Coaching:
        """Say why it does not take place."""
        return await self._change(programme, coaching, "cancellation", CoachingCancellation(reason=reason), revision)

    async def _change(
        self,
        programme: str,
        coaching: UUID,
        step: str,
        said: CoachingNotes | CoachingAnswer | CoachingCancellation,
        revision: int,
    ) -> Coaching:
        address = f"{self._address}/{coaching}/{step}"
        return await self._transport.change(Coaching, address, said, {"programme": programme}, revision=revision)


class Objectives:
    """The objectives of a programme."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = f"{address}/v1/objectives"

    async def set(self, programme: str, objective: NewObjective) -> Objective:
        """Set an objective."""
        return await self._transport.create(Objective, self._address, objective, {"programme": programme})

    async def list(self, programme: str, filters: Query | None = None, *, page: int = 100) -> AsyncIterator[Objective]:
        """Every objective that passes the filters, newest first, without how it stands."""
        query = {**(filters or {}), "programme": programme, "limit": page}
        async for response in self._transport.pages(self._address, query):
            for objective in parsed(ObjectivePage, response).items:
                yield objective

    async def read(self, programme: str, objective: UUID) -> ObjectiveRead:
        """How an objective stands by the metrics of now."""
        return await self._transport.read(ObjectiveRead, f"{self._address}/{objective}", {"programme": programme})

    async def end(self, programme: str, objective: UUID, *, revision: int) -> Objective:
        """Take the `revision` of an objective that was read back."""
        response = await self._transport.request(
            "POST",
            f"{self._address}/{objective}/end",
            query={"programme": programme},
            headers={"If-Match": f'"{revision}"'},
        )
        return parsed(Objective, response)
