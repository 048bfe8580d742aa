"""Root causes: reading them, proposing them, deciding about them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, insert, select, update

from rca_api.causes.problems import CauseRefused
from rca_api.causes.tables import causes, whys
from tallystick.schemas.base import new_id
from tallystick.schemas.case import Audience
from tallystick.schemas.cause import MAX_CAUSES, Cause, CauseChange, CauseDecision, CauseState, NewCause
from tallystick.schemas.problem import ProblemError
from tallystick.schemas.programme import Programme
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.feed import rows_after
from tallystick.service.problems import NotFound

_SHOWN = tuple(Cause.model_fields)
_WHOLE = 1 + 1e-9
"""What shares may sum to, with what adding floating-point numbers may add."""


def document(row: Row[Any]) -> dict[str, Any]:
    """A cause as the API shows it."""
    return {name: row._mapping[name] for name in _SHOWN}


async def get_cause(session: ReadSession, programme: str, case_id: UUID, cause_id: UUID) -> Row[Any]:
    """One cause of a case; a problem where there is none to see."""
    found = _of_case(session, programme, case_id).where(causes.c.id == cause_id)
    row = (await session.execute(found)).one_or_none()
    if row is None:
        raise NotFound("There is no such cause.")
    return row


async def list_causes(session: ReadSession, programme: str, case_id: UUID) -> Sequence[Row[Any]]:
    """All causes of a case that the principal may read, oldest first."""
    return (await session.execute(_of_case(session, programme, case_id).order_by(causes.c.id))).all()


def _of_case(session: ReadSession, programme: str, case_id: UUID) -> Select[Any]:
    return scoped(select(causes), causes, programme, session.principal).where(causes.c.case_id == case_id)


async def has_cause_with_evidence(session: ReadSession, case: Row[Any]) -> bool:
    """Whether a cause of the case was accepted that has evidence."""
    c = causes.c
    found = _of_case(session, case.programme, case.id).where(
        c.state == CauseState.ACCEPTED, func.jsonb_array_length(c.evidence) > 0
    )
    return (await session.execute(found.limit(1))).first() is not None


async def propose_cause(
    session: WriteSession, case: Row[Any], new: NewCause, programme: Programme, position: int, now: datetime
) -> Row[Any]:
    """Write a cause that somebody proposes.

    Raises:
        CauseRefused: its code is not in the taxonomy, its why cannot be seen by all who may see it, or the case has too many.
    """
    code = next((known for known in programme.cause_taxonomy if known.code == new.code), None)
    if code is None:
        raise _refused("/code", "unknown_code", "The programme's taxonomy has no such cause.")
    await _require_why(session, case, new.why, new.audience)
    counted = _of_case(session, case.programme, case.id).with_only_columns(func.count())
    if (await session.execute(counted)).scalar_one() >= MAX_CAUSES:
        raise _refused("", "too_many", f"A case has at most {MAX_CAUSES} causes.")
    statement = insert(causes).values(
        programme=case.programme,
        id=new_id(),
        case_id=case.id,
        vendor=case.vendor if new.audience is Audience.VENDOR else None,
        **new.model_dump(mode="json", exclude={"category", "why"}),
        category=new.category or code.category,
        why=new.why,
        state=CauseState.PROPOSED,
        proposed_by=session.principal.subject,
        by_vendor=session.principal.vendor,
        proposed_at=now,
        revision=1,
        position=position,
    )
    return (await session.execute(statement.returning(causes))).one()


async def _require_why(session: ReadSession, case: Row[Any], why: UUID | None, audience: str) -> None:
    """Refuse a why that is not there, and one that not all can read who read the cause."""
    if why is None:
        return
    c = whys.c
    found = scoped(select(c.audience), whys, case.programme, session.principal).where(c.case_id == case.id, c.id == why)
    of_why = (await session.execute(found)).scalar_one_or_none()
    if of_why is None:
        raise _refused("/why", "unknown_why", "There is no such why on this case.")
    if of_why == Audience.INTERNAL and audience == Audience.VENDOR:
        raise _refused("/why", "internal_why", "The vendor reads this cause, and not that why.")


async def change_cause(session: WriteSession, case: Row[Any], current: Row[Any], change: CauseChange, position: int) -> Row[Any]:
    """Give fields of a cause other values.

    Raises:
        CauseRefused: as with a new one, or the accepted causes would explain more than the whole.
    """
    given = change.model_dump(mode="json", include=change.model_fields_set)
    if "why" in given:
        await _require_why(session, case, change.why, current.audience)
        given["why"] = change.why
    if current.state == CauseState.ACCEPTED and "share" in given:
        await _require_within_whole(session, current, change.share)
    return await _update(session, current, position, **given)


async def decide_cause(
    session: WriteSession, current: Row[Any], decision: CauseDecision, position: int, now: datetime
) -> Row[Any]:
    """Accept a cause, or reject it.

    Raises:
        CauseRefused: the accepted causes would explain more than the whole.
    """
    if decision.outcome == "accepted":
        await _require_within_whole(session, current, current.share)
    return await _update(
        session,
        current,
        position,
        state=decision.outcome,
        reason=decision.reason,
        decided_by=session.principal.subject,
        decided_at=now,
    )


async def _require_within_whole(session: ReadSession, current: Row[Any], share: float | None) -> None:
    """Refuse a share with which the accepted causes of the case would explain more than the whole error."""
    c = causes.c
    accepted = _of_case(session, current.programme, current.case_id).where(c.state == CauseState.ACCEPTED, c.id != current.id)
    others = accepted.with_only_columns(func.coalesce(func.sum(c.share), 0))
    if (await session.execute(others)).scalar_one() + (share or 0) > _WHOLE:
        raise _refused("/share", "more_than_whole", "The accepted causes would explain more than the whole error.")


async def _update(session: WriteSession, current: Row[Any], position: int, **values: Any) -> Row[Any]:
    statement = scoped(update(causes), causes, current.programme, session.principal).where(causes.c.id == current.id)
    changing = statement.values(**values, revision=current.revision + 1, position=position)
    return (await session.execute(changing.returning(causes))).one()


def _refused(pointer: str, code: str, detail: str) -> CauseRefused:
    return CauseRefused("The case does not take this cause.", errors=[ProblemError(pointer=pointer, code=code, detail=detail)])


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Causes as the feed shows them."""
    return [
        {"position": row.position, "id": row.id, "revision": row.revision, "erased": False, "data": document(row)}
        for row in await rows_after(session, causes, programme, after, limit)
    ]
