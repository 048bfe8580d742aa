"""The routes of ratings, and of how far they have come."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from audit_api.calibration.problems import CalibrationRefused, CalibrationState, NoRater, RatingClosed, may
from audit_api.calibration.ratings import Sheet, faults, list_past, list_progress, open_sheet
from audit_api.calibration.routes import ITEMS_PATH, SESSIONS_PATH, CalibrationRead, ItemNumber, SessionId
from audit_api.calibration.sessions import find_session
from tallystick.schemas.audit import RowError
from tallystick.schemas.calibration import (
    RATERS,
    GivenRating,
    NumberedRating,
    PastRatings,
    Progress,
    Rating,
    RatingBatchResult,
    RatingCounts,
    RatingResult,
    RatingVerdict,
    SessionAction,
)
from tallystick.schemas.problem import ProblemError
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.clock import now
from tallystick.service.database import Database, Reading, Writing
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    BodyTooLarge,
    MalformedRequest,
    NotFound,
    UnsupportedMediaType,
    problem_errors,
    responses,
)
from tallystick.service.replies import reply

MAX_RATINGS = 10_000
"""Of one request."""

router = APIRouter(tags=["calibration"], responses=responses(*COMMON))

BATCHES_PATH = SESSIONS_PATH + "/{session_id}/rating-batches"
_NDJSON, _JSON = "application/x-ndjson", "application/json"
_ANY_ROW = {"anyOf": [NumberedRating.model_json_schema(), {}]}  # what is no rating is rejected by its verdict

MayRate = Annotated[Principal, allowed(*may(SessionAction.RATE))]
MayWithdraw = Annotated[Principal, allowed(*may(SessionAction.WITHDRAW))]


@router.put(
    ITEMS_PATH + "/{number}/rating",
    response_model=GivenRating,
    responses=responses(NoRater, CalibrationState, CalibrationRefused, RatingClosed),
    summary="Rate an item",
)
async def put_rating(
    request: Request,
    session_id: SessionId,
    number: ItemNumber,
    rating: Rating,
    programme: ProgrammeQuery,
    principal: MayRate,
    session: Writing,
) -> Response:
    """Say what the item is. Another rating takes the place of an earlier one; the same again changes nothing, however late."""
    enter(principal, programme)
    sheet = await open_sheet(session, programme, session_id, now(request))
    _require_item(sheet, number)
    if wrong := faults(sheet.current, number, rating):
        raise CalibrationRefused("The rating does not fit.", errors=[ProblemError(**fault.model_dump()) for fault in wrong])
    await sheet.rate({number: rating})
    given = (await sheet.standing([number]))[number]
    own = {"rater": principal.subject, "vendor": principal.vendor}
    return reply({**own, **{name: given[name] for name in ("value", "policy", "comment", "rated_at")}})


@router.delete(
    ITEMS_PATH + "/{number}/rating",
    status_code=204,
    response_class=Response,
    responses=responses(NoRater, CalibrationState, RatingClosed),
    summary="Withdraw a rating",
)
async def delete_rating(
    request: Request,
    session_id: SessionId,
    number: ItemNumber,
    programme: ProgrammeQuery,
    principal: MayWithdraw,
    session: Writing,
) -> Response:
    """Take a rating back: the item counts as not rated by the caller. Where there is none, nothing changes."""
    enter(principal, programme)
    sheet = await open_sheet(session, programme, session_id, now(request))
    _require_item(sheet, number)
    await sheet.withdraw(number)
    return Response(status_code=204)


def _require_item(sheet: Sheet, number: int) -> None:
    if number > sheet.current.items:
        raise NotFound("The session has no such item.")


@router.get(
    ITEMS_PATH + "/{number}/past-ratings", response_model=PastRatings, summary="Read the ratings of an item that no longer stand"
)
async def read_past_ratings(
    session_id: SessionId, number: ItemNumber, programme: ProgrammeQuery, principal: CalibrationRead, session: Reading
) -> Response:
    """Those that were replaced or withdrawn, oldest first: one's own, and from review on those of all that the caller may see."""
    enter(principal, programme)
    current = await find_session(session, programme, session_id)
    if number > current.items:
        raise NotFound("The session has no such item.")
    return reply({"items": await list_past(session, programme, session_id, number)})


@router.post(
    BATCHES_PATH,
    response_model=RatingBatchResult,
    responses=responses(
        NoRater, CalibrationState, RatingClosed, MalformedRequest, BodyTooLarge, UnsupportedMediaType,
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                _NDJSON: {"schema": {"type": "string"}},
                _JSON: {"schema": {"type": "array", "items": _ANY_ROW}},
            },
        }
    },
    summary="Rate many items",
)  # fmt: skip
async def create_rating_batch(request: Request, session_id: SessionId, programme: ProgrammeQuery, principal: MayRate) -> Response:
    """Up to 10,000 of the caller's own ratings as NDJSON or a JSON array of `{"number": …, "value": …}`, by the usual rules.

    Every row gets one verdict. An item that an earlier row of the batch names already is rejected. The same rows again change
    nothing.
    """
    enter(principal, programme)
    lines = _lines(await request.body(), request.headers.get("content-type", ""))
    if len(lines) > MAX_RATINGS:
        raise BodyTooLarge(f"At most {MAX_RATINGS} ratings are taken at once.")
    database: Database = request.app.state.database
    async with database.writing(principal) as session:
        sheet = await open_sheet(session, programme, session_id, now(request))
        read = list(_rows(sheet, lines))
        verdicts = await sheet.rate({row.number: row for row in read if isinstance(row, NumberedRating)})
    results = [
        row if isinstance(row, RatingResult) else RatingResult(row=place, number=row.number, verdict=verdicts[row.number])
        for place, row in enumerate(read, 1)
    ]
    counted = Counter(result.verdict.value for result in results)
    counts = RatingCounts(rows=len(results), **{verdict.value: counted[verdict] for verdict in RatingVerdict})
    return reply(RatingBatchResult(counts=counts, results=tuple(results)))


def _lines(body: bytes, media_type: str) -> list[bytes]:
    """The rows of a body, each as JSON. Raises a problem where the body as a whole cannot be read."""
    kind = media_type.partition(";")[0].strip().lower()
    if kind == _NDJSON:
        return [line for line in body.splitlines() if line.strip()]
    if kind != _JSON:
        raise UnsupportedMediaType(f"Ratings are sent as {_NDJSON} or {_JSON}.")
    try:
        rows = orjson.loads(body)
    except orjson.JSONDecodeError:
        rows = None
    if not isinstance(rows, list):
        raise MalformedRequest("The body is not a JSON array.")
    return [orjson.dumps(row) for row in rows]


def _rows(sheet: Sheet, lines: list[bytes]) -> Iterator[NumberedRating | RatingResult]:
    """Each row as a rating, or as the verdict that it is none."""
    named: set[int] = set()
    for place, line in enumerate(lines, 1):
        try:
            rating = NumberedRating.model_validate_json(line)
        except ValidationError as error:
            shown = problem_errors(error.errors(include_url=False, include_context=False, include_input=False))
            wrong = [RowError(**fault.model_dump()) for fault in shown]
            yield RatingResult(row=place, number=None, verdict=RatingVerdict.REJECTED, errors=tuple(wrong))
            continue
        wrong = faults(sheet.current, rating.number, rating)
        if rating.number in named:
            wrong = [RowError(pointer="/number", code="named_twice", detail="An earlier row rates this item.")]
        if wrong:
            yield RatingResult(row=place, number=rating.number, verdict=RatingVerdict.REJECTED, errors=tuple(wrong))
            continue
        named.add(rating.number)
        yield rating


@router.get(SESSIONS_PATH + "/{session_id}/progress", response_model=Progress, summary="See how far a session has come")
async def read_progress(
    session_id: SessionId, programme: ProgrammeQuery, principal: Annotated[Principal, allowed(*RATERS)], session: Reading
) -> Response:
    """How many items each rater has rated, for those who facilitate; a rater sees how far it has come itself."""
    enter(principal, programme)
    current = await find_session(session, programme, session_id)
    raters = await list_progress(session, current)
    return reply({"session_id": current.id, "state": current.state, "deadline": current.deadline, "raters": raters})
