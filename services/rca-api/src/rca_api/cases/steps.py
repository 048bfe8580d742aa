"""Moving cases along the table of transitions."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row

from rca_api.cases.guards import missing
from rca_api.cases.history import Event
from rca_api.cases.problems import CaseIncomplete
from rca_api.cases.problems import CaseState as WrongState
from rca_api.cases.records import change_case, possible, taken
from rca_api.notices.records import News, tell
from rca_api.plans.records import freeze, get_plan
from rca_api.programmes import root_cause_due
from tallystick.schemas.case import CASE_TRANSITIONS, CaseEventKind, CaseStep, Closure
from tallystick.schemas.notice import NoticeKind
from tallystick.schemas.programme import Programme
from tallystick.service.database import ReadSession, WriteSession

_TARGETS = {transition.step: transition.target for transition in CASE_TRANSITIONS}
NEED_PROGRAMME = frozenset({CaseStep.CLOSE, CaseStep.OVERRIDE, CaseStep.REOPEN})
"""Steps whose dates the programme's document says."""


async def require_possible(session: ReadSession, current: Row[Any], step: CaseStep) -> None:
    """Refuse what cannot be done to a case in its state, or as long as something is missing for it; say what can be done."""
    steps = possible(current)
    if step not in steps:
        raise WrongState(f"This case cannot take the step {step} now.", possible=steps)
    if errors := await missing(session, current, step):
        raise CaseIncomplete(f"Something is missing for the step {step}.", errors=errors, possible=steps)


async def move(
    session: WriteSession,
    current: Row[Any],
    step: CaseStep,
    position: int,
    now: datetime,
    *,
    note: str | None = None,
    about: object = None,
    **values: Any,
) -> Row[Any]:
    """Take a step: the case gets its new state and `values`, its history the entry."""
    changed = {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
    event = Event(CaseEventKind.STEP, now, position, step, note, about, changed)
    moves = [*current.moves, taken(step, _TARGETS[step], now, current.due_at)]
    return await change_case(session, current, event, state=_TARGETS[step], moves=moves, **values)


async def start(session: WriteSession, current: Row[Any], position: int, now: datetime, *, note: str | None = None) -> Row[Any]:
    """Start the work: from now on the plan stands as it was registered."""
    await freeze(session, await get_plan(session, current.programme, current.id), position)
    return await move(session, current, CaseStep.START, position, now, note=note)


async def verify(session: WriteSession, current: Row[Any], position: int, now: datetime, *, note: str | None = None) -> Row[Any]:
    """Wait for the effect: the case is due when the verification window of its plan is over."""
    plan = await get_plan(session, current.programme, current.id)
    return await move(session, current, CaseStep.VERIFY, position, now, note=note, due_at=plan.over_at)


async def close(
    session: WriteSession, current: Row[Any], closure: Closure, position: int, now: datetime, programme: Programme
) -> Row[Any]:
    """Close a case with its conclusion, and watch from now on whether the error comes back."""
    step = CaseStep.CLOSE if closure.override is None else CaseStep.OVERRIDE
    row = await move(
        session,
        current,
        step,
        position,
        now,
        conclusion=closure.conclusion,
        override=closure.override,
        closed_by=session.principal.subject,
        closed_at=now,
        watch_until=now + timedelta(days=programme.cases.watch_days),
    )
    text = f"{row.title}: closed. {closure.conclusion}"
    await tell(session, row.programme, News(NoticeKind.CASE_CLOSED, text, row.vendor, row.id, row.id), now)
    return row


async def reopen(
    session: WriteSession,
    current: Row[Any],
    position: int,
    now: datetime,
    programme: Programme,
    *,
    note: str,
    about: object = None,
    **values: Any,
) -> Row[Any]:
    """Open a closed case again: what was concluded leaves it for its history, its root cause is due anew."""
    gone = dict.fromkeys(("conclusion", "override", "closed_by", "closed_at", "watch_until"))
    due_at = root_cause_due(programme, now)
    again = {"reopened": current.reopened + 1, "due_at": due_at, "evidence_wanted_at": now, "evidence_try_at": None}
    row = await move(session, current, CaseStep.REOPEN, position, now, note=note, about=about, **gone, **again, **values)
    text = f"{row.title}: open again. {note}"
    await tell(session, row.programme, News(NoticeKind.CASE_REOPENED, text, row.vendor, row.id, row.id), now)
    return row
