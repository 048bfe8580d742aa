"""The client and what is done about root causes, together on a socket."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from fastapi import FastAPI

from conftest import listening
from tallystick.client import Tallystick
from tallystick.identity import sign_token
from tallystick.schemas.action import ActionChange, ActionKind, ActionMove, ActionState, ActionStep, NewAction
from tallystick.schemas.case import NewCase
from tallystick.schemas.coaching import CoachingAnswer, CoachingNotes, CoachingState, NewCoaching
from tallystick.schemas.effect import EffectPlan
from tallystick.schemas.metric import Period
from tallystick.schemas.objective import NewObjective, ObjectiveOf
from tallystick.schemas.principal import Role
from tallystick.schemas.webhook import NewEndpoint

ZONE = "Europe/Berlin"
BEFORE = Period(from_=date(2026, 8, 3), to=date(2026, 8, 31), time_zone=ZONE)
AFTER = Period(from_=date(2190, 1, 4), to=date(2190, 2, 1), time_zone=ZONE)


async def test_work_is_agreed_on_done_and_told(rca_app: FastAPI, identity: Path, programme: str) -> None:
    """An action from agreement to its cancellation, a plan in two versions, coaching with its answer, an objective, a hook."""
    token = sign_token(identity, subject="nina", roles=[Role.ADMIN], programmes=["*"], vendor=None, ttl=timedelta(minutes=5))
    soon = datetime.now(UTC) + timedelta(days=3)
    async with listening(rca_app) as address, Tallystick(token=token, rca=address) as tallystick:
        case = await tallystick.cases.open(programme, NewCase(vendor="acme", title="Live in Lisbon"))
        new = NewAction(kind=ActionKind.CORRECTIVE, title="Train", owner="pia", owner_vendor="acme")
        action = await tallystick.actions.agree(programme, case.id, new)
        action = await tallystick.actions.change(programme, action.id, ActionChange(due_at=soon), revision=action.revision)
        begun = await tallystick.actions.step(programme, action.id, ActionMove(step=ActionStep.START), revision=action.revision)
        plan = await tallystick.plans.register(programme, case.id, EffectPlan(baseline=BEFORE, verification=AFTER))
        again = EffectPlan(baseline=BEFORE, verification=AFTER, wanted=0.3)
        plan = await tallystick.plans.register(programme, case.id, again, revision=plan.revision)
        coaching = await tallystick.coaching.arrange(
            programme, NewCoaching(title="Satire", person="qa-1", subject="nina", planned_for=soon)
        )
        coaching = await tallystick.coaching.hold(programme, coaching.id, CoachingNotes(notes="So."), revision=coaching.revision)
        coaching = await tallystick.coaching.answer(
            programme, coaching.id, CoachingAnswer(agreed=True), revision=coaching.revision
        )
        other = await tallystick.coaching.arrange(
            programme, NewCoaching(title="x", person="m-1", vendor="acme", planned_for=soon)
        )
        other = await tallystick.coaching.cancel(programme, other.id, "Ill", revision=other.revision)
        objective = await tallystick.objectives.set(
            programme, NewObjective(title="Better", of=ObjectiveOf.VENDOR, name="acme", target=0.9, period=BEFORE)
        )
        ended = await tallystick.objectives.end(programme, objective.id, revision=objective.revision)
        endpoint = NewEndpoint(name="Ours", url="https://hooks.example/ours", events=("action.escalated",))
        created = await tallystick.webhooks_of_work.create(programme, endpoint)

        assert begun.due_at == soon
        assert begun.state is (await tallystick.actions.read(programme, action.id)).state is ActionState.IN_PROGRESS
        assert [each.id async for each in tallystick.actions.list(programme, {"owner": "pia"})] == [action.id]
        assert await tallystick.plans.read(programme, case.id) == plan
        assert [each.effect.wanted async for each in tallystick.plans.versions(programme, case.id)] == [0.5]
        assert (coaching.state, other.state) == (CoachingState.AGREED, CoachingState.CANCELLED)
        assert await tallystick.coaching.read(programme, coaching.id) == coaching
        assert [each.id async for each in tallystick.coaching.list(programme, page=1)] == [other.id, coaching.id]
        assert ended.ended_by == "nina"
        assert [each async for each in tallystick.objectives.list(programme)] == [ended]
        told = [each async for each in tallystick.notices.list(programme, {"kind": "action.assigned"})]
        assert await tallystick.notices.read(programme, told[0].id) == told[0]
        assert [each.id async for each in tallystick.webhooks_of_work.list(programme)] == [created.endpoint.id]
