"""What a step needs besides the right state."""

from typing import Any

from sqlalchemy import Row

from rca_api.actions.records import of_case
from rca_api.causes.records import has_cause_with_evidence
from rca_api.plans.records import find_plan
from tallystick.schemas.action import SETTLED, ActionState
from tallystick.schemas.case import CaseStep
from tallystick.schemas.effect import EffectVerdict
from tallystick.schemas.problem import ProblemError
from tallystick.service.database import ReadSession


async def missing(session: ReadSession, case: Row[Any], step: CaseStep) -> list[ProblemError]:
    """What is missing for a step of a case; nothing where it can be taken."""
    if step is CaseStep.PLAN and not await has_cause_with_evidence(session, case):
        return [_missing("no_root_cause", "A case leaves its analysis with at least one accepted root cause that has evidence.")]
    if step is CaseStep.START:
        return [*await _no_action(session, case), *await _no_plan(session, case)]
    if step is CaseStep.VERIFY:
        return await _open_actions(session, case)
    if step is CaseStep.CLOSE:
        return [*await _open_actions(session, case), *await _no_effect(session, case)]
    return []


async def _no_action(session: ReadSession, case: Row[Any]) -> list[ProblemError]:
    if all(action.state == ActionState.CANCELLED for action in await of_case(session, case)):
        return [_missing("no_action", "There is no action to start with.")]
    return []


async def _no_plan(session: ReadSession, case: Row[Any]) -> list[ProblemError]:
    plan = await find_plan(session, case.programme, case.id)
    if plan is None:
        return [_missing("no_plan", "How the effect will be judged has to be registered before the work starts.")]
    if plan.frozen:
        return [_missing("used_plan", "Work has started on this plan before: how the effect will be judged is registered anew.")]
    return []


async def _open_actions(session: ReadSession, case: Row[Any]) -> list[ProblemError]:
    actions = await of_case(session, case)
    if unsettled := [action for action in actions if action.state not in SETTLED]:
        names = ", ".join(action.title for action in unsettled)
        return [_missing("open_actions", f"These are not yet done and verified, or cancelled: {names}.")]
    return await _no_action(session, case)


async def _no_effect(session: ReadSession, case: Row[Any]) -> list[ProblemError]:
    plan = await find_plan(session, case.programme, case.id)
    if plan is None or not plan.frozen or plan.verdict is None:
        return [_missing("effect_not_judged", "The effect has not been judged yet.")]
    if plan.verdict != EffectVerdict.EFFECTIVE:
        return [_missing(f"effect_{plan.verdict}", f"The effect was judged {plan.verdict.replace('_', ' ')}.")]
    return []


def _missing(code: str, detail: str) -> ProblemError:
    return ProblemError(pointer="/step", code=code, detail=detail)
