"""What rca-api asks audit-api about programmes. It is asked when a case is opened, and never when one is read."""

import asyncio

import structlog

from tallystick.client import ProblemError, Tallystick, TallystickError
from tallystick.schemas.problem import ProblemError as InvalidPart
from tallystick.schemas.programme import Programme
from tallystick.service.problems import NotFound, Problem, Unavailable


class CaseRefused(Problem):
    """The case has the right shape, and the programme does not take it: it names no vendor of the programme."""

    status, title = 409, "The programme does not take this case"


_PATIENCE_S = 5.0
_NOT_FOUND = 404

log = structlog.get_logger()


async def require_vendor(neighbours: Tallystick, programme: str, vendor: str | None) -> None:
    """Make sure that there is such a programme, and that it names the vendor, if there is one.

    Raises:
        NotFound: there is no such programme.
        CaseRefused: the vendor is none of the programme's.
        Unavailable: audit-api cannot be asked now.
    """
    document = await _document(neighbours, programme)
    if vendor is not None and all(known.slug != vendor for known in document.vendors):
        error = InvalidPart(pointer="/vendor", code="unknown_vendor", detail="The programme knows no such vendor.")
        raise CaseRefused("The programme does not take this case.", errors=[error])


async def _document(neighbours: Tallystick, programme: str) -> Programme:
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
