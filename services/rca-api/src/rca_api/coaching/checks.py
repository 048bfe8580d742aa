"""Whether a coaching session is about what it says: each audit of that person, the case one of its vendor's."""

import asyncio
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row

from rca_api.coaching.problems import CoachingRefused
from tallystick.client import ProblemError, Tallystick, TallystickError
from tallystick.schemas.audit import Audit
from tallystick.schemas.coaching import NewCoaching
from tallystick.schemas.problem import ProblemError as InvalidPart
from tallystick.schemas.programme import Programme
from tallystick.service.problems import Unavailable

_AT_ONCE = 5
_PATIENCE_S = 10.0
_NOT_FOUND = 404

log = structlog.get_logger()


def require_taken(programme: Programme, new: NewCoaching) -> None:
    """Refuse a vendor that is none of the programme's, and one of the client's people who cannot answer."""
    if new.vendor is not None and new.vendor not in {vendor.slug for vendor in programme.vendors}:
        raise refused(_part("/vendor", "unknown_vendor", "The programme knows no such vendor."))
    if new.vendor is None and new.subject is None:
        raise refused(
            _part("/subject", "subject_needed", "The client's own people sign in: say as whom, for the answer is theirs.")
        )


def require_case(new: NewCoaching, case: Row[Any]) -> None:
    """Refuse a case that the person's vendor has no part in."""
    if new.vendor is not None and case.vendor != new.vendor:
        raise refused(_part("/case_id", "other_vendor", "The case is not shared with the person's vendor."))


async def require_own_audits(neighbours: Tallystick, programme: str, new: NewCoaching) -> None:
    """Refuse audits that are not there, and those of which the person neither made the decision nor, of the client's, the audit.

    Raises:
        CoachingRefused: some are not the person's.
        Unavailable: audit-api cannot be asked now.
    """
    places = asyncio.Semaphore(_AT_ONCE)

    async def read(audit_id: UUID) -> Audit | None:
        async with places:
            try:
                return await neighbours.audits.read(programme, audit_id)
            except ProblemError as failure:
                if failure.problem.status == _NOT_FOUND:
                    return None
                raise

    try:
        async with asyncio.timeout(_PATIENCE_S):
            audits = await asyncio.gather(*map(read, new.audits))
    except (TallystickError, TimeoutError) as failure:
        log.warning("audit-api gave no answer", programme=programme, reason=str(failure) or "too slow")
        raise Unavailable(
            "The audits cannot be looked up: audit-api gives no answer. Nothing was changed.", headers={"Retry-After": "5"}
        ) from failure
    errors = [
        _part(f"/audits/{place}", "not_of_person", "There is no such audit of this person.")
        for place, audit in enumerate(audits)
        if audit is None or not _is_of(audit, new)
    ]
    if errors:
        raise refused(*errors)


def _is_of(audit: Audit, new: NewCoaching) -> bool:
    if new.vendor is None:
        return audit.auditor == new.person
    return audit.vendor == new.vendor and audit.moderator == new.person


def refused(*errors: InvalidPart) -> CoachingRefused:
    """The refusal of a session, with what is wrong with it."""
    return CoachingRefused("The programme does not take this coaching session.", errors=errors)


def _part(pointer: str, code: str, detail: str) -> InvalidPart:
    return InvalidPart(pointer=pointer, code=code, detail=detail)
