"""What rca-api asks audit-api about programmes: when a case is opened or a step needs it, never when one is read."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

import structlog
from fastapi import Request

from rca_api.cases.problems import CaseRefused
from rca_api.cases.records import PERIOD
from tallystick.client import ProblemError, Tallystick, TallystickError
from tallystick.schemas.case import CasePeriod, NewCase, Participant
from tallystick.schemas.problem import ProblemError as InvalidPart
from tallystick.schemas.programme import Programme
from tallystick.service.auth import Principal
from tallystick.service.calendar import add_working_days
from tallystick.service.days import day_of
from tallystick.service.problems import NotFound, Unavailable

_PATIENCE_S = 5.0
_NOT_FOUND = 404

log = structlog.get_logger()


async def get_programme(neighbours: Tallystick, programme: str) -> Programme:
    """A programme's document as it stands.

    Raises:
        NotFound: there is no such programme.
        Unavailable: audit-api cannot be asked now.
    """
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return (await neighbours.programmes.get(programme)).document
    except (TallystickError, TimeoutError) as failure:
        if isinstance(failure, ProblemError) and failure.problem.status == _NOT_FOUND:
            raise NotFound("There is no such programme.") from None
        log.warning("audit-api gave no answer", programme=programme, reason=str(failure) or "too slow")
        raise Unavailable(
            "The programme cannot be looked up: audit-api gives no answer. Nothing was changed.", headers={"Retry-After": "5"}
        ) from failure


async def require_programme(request: Request, principal: Principal, programme: str) -> None:
    """Raise a problem where the principal sees no such programme, or where audit-api cannot be asked."""
    if not (await get_programme(request.app.state.neighbours, programme)).as_seen_by(principal.vendor).vendors:
        raise NotFound("There is no such programme.")


def require_taken(programme: Programme, new: NewCase) -> None:
    """Refuse a case that names a vendor that is none of the programme's, or people who have no part in it."""
    known = {vendor.slug for vendor in programme.vendors}
    errors = [
        InvalidPart(pointer=pointer, code="unknown_vendor", detail="The programme knows no such vendor.")
        for pointer, vendor in (
            ("/vendor", new.vendor),
            *((f"/scope/vendor/{number}", each) for number, each in enumerate(new.scope.vendor)),
        )
        if vendor is not None and vendor not in known
    ]
    if errors:
        raise CaseRefused("The programme does not take this case.", errors=errors)
    require_participants(new.vendor, new.participants)


def require_participants(vendor: str | None, participants: Iterable[Participant]) -> None:
    """Refuse participants who are of another vendor than the case."""
    errors = [
        InvalidPart(
            pointer=f"/participants/{number}/vendor", code="other_vendor", detail="The case is not shared with this vendor."
        )
        for number, each in enumerate(participants)
        if each.vendor is not None and each.vendor != vendor
    ]
    if errors:
        raise CaseRefused("Who takes part in a case is of the client, or of the vendor that it is shared with.", errors=errors)


def root_cause_due(programme: Programme, now: datetime) -> datetime | None:
    """When the root cause of a case that is opened now is to be known; None where the programme sets no target."""
    days = programme.targets.root_cause_days
    return None if days is None else add_working_days(programme.calendar, programme.time_zone, now, days)


def last_weeks(programme: Programme, now: datetime) -> CasePeriod:
    """The days up to today in the programme's time zone that a case is about which names none."""
    today = day_of(now, programme.time_zone)
    return CasePeriod(from_=today - PERIOD, to=today)
