"""Calibration: sessions, their items and ratings, and what they leave behind."""

from collections.abc import AsyncIterator, Iterable, Sequence
from uuid import UUID

from pydantic import BaseModel

from tallystick.client.transport import Model, Query, Transport, parsed
from tallystick.schemas.base import new_id
from tallystick.schemas.calibration import (
    AddedItems,
    Benchmark,
    CalibrationItem,
    CalibrationSession,
    Conclusion,
    GivenRating,
    GoldenResult,
    GoldenResultPage,
    ItemPage,
    NewItem,
    NewItems,
    NewSession,
    NumberedRating,
    PastRating,
    PastRatings,
    Precedent,
    PrecedentPage,
    Progress,
    Rating,
    RatingBatchResult,
    SessionPage,
    SessionState,
)


class Calibration:
    """The calibration of a programme."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = address
        self._sessions = f"{address}/v1/calibration-sessions"

    async def draft(self, programme: str, session: NewSession) -> CalibrationSession:
        """Draft a session."""
        return await self._transport.create(CalibrationSession, self._sessions, session, {"programme": programme})

    async def list(
        self, programme: str, states: Sequence[SessionState] = (), *, page: int = 100
    ) -> AsyncIterator[CalibrationSession]:
        """The sessions in any of the states, or all, newest first."""
        query: Query = {"programme": programme, "state": states, "limit": page}
        async for response in self._transport.pages(self._sessions, query):
            for session in parsed(SessionPage, response).items:
                yield session

    async def read(self, programme: str, session: UUID) -> CalibrationSession:
        """One session as it stands."""
        return await self._transport.read(CalibrationSession, f"{self._sessions}/{session}", {"programme": programme})

    async def edit(self, programme: str, session: UUID, new: NewSession, *, revision: int) -> CalibrationSession:
        """Replace the `revision` of a draft that was read."""
        return await self._put(CalibrationSession, f"{session}", new, programme, revision)

    async def add_items(self, programme: str, session: UUID, items: Iterable[NewItem]) -> AddedItems:
        """Add items to a draft, all or none; answers the numbers that they have."""
        new = NewItems(items=tuple(items))
        return await self._transport.create(AddedItems, f"{self._sessions}/{session}/items", new, {"programme": programme})

    async def items(self, programme: str, session: UUID, *, page: int = 1000) -> AsyncIterator[CalibrationItem]:
        """The items of a session in their order, as the caller may see them."""
        query: Query = {"programme": programme, "limit": page}
        async for response in self._transport.pages(f"{self._sessions}/{session}/items", query):
            for item in parsed(ItemPage, response).items:
                yield item

    async def open(self, programme: str, session: UUID, *, revision: int) -> CalibrationSession:
        """Let the raters begin, from the `revision` of the draft that was read."""
        return await self._move(programme, session, "opening", revision)

    async def rate(self, programme: str, session: UUID, number: int, rating: Rating) -> GivenRating:
        """Rate an item; another rating takes the place of an earlier one.

        Raises:
            ProblemError: 409 when ratings are no longer taken.
        """
        return await self._put(GivenRating, f"{session}/items/{number}/rating", rating, programme)

    async def withdraw(self, programme: str, session: UUID, number: int) -> None:
        """Take a rating back."""
        await self._delete(f"{session}/items/{number}/rating", programme)

    async def rate_all(self, programme: str, session: UUID, ratings: Iterable[NumberedRating]) -> RatingBatchResult:
        """Give up to 10,000 ratings at once, each with its own verdict. Sent again, they change nothing."""
        response = await self._transport.request(
            "POST",
            f"{self._sessions}/{session}/rating-batches",
            query={"programme": programme},
            body=b"\n".join(row.__pydantic_serializer__.to_json(row, exclude_none=True) for row in ratings),
            headers={"Content-Type": "application/x-ndjson", "Idempotency-Key": str(new_id())},
        )
        return parsed(RatingBatchResult, response)

    async def past_ratings(self, programme: str, session: UUID, number: int) -> tuple[PastRating, ...]:
        """The ratings of an item that were replaced or withdrawn, oldest first."""
        address = f"{self._sessions}/{session}/items/{number}/past-ratings"
        return (await self._transport.read(PastRatings, address, {"programme": programme})).items

    async def progress(self, programme: str, session: UUID) -> Progress:
        """How far the raters have come."""
        return await self._transport.read(Progress, f"{self._sessions}/{session}/progress", {"programme": programme})

    async def review(self, programme: str, session: UUID, *, revision: int) -> CalibrationSession:
        """End scoring and lay the ratings open."""
        return await self._move(programme, session, "review", revision)

    async def benchmark(
        self, programme: str, session: UUID, number: int, benchmark: Benchmark, *, revision: int
    ) -> CalibrationItem:
        """Set the benchmark on the `revision` of the item that was read."""
        return await self._put(CalibrationItem, f"{session}/items/{number}/benchmark", benchmark, programme, revision)

    async def conclude(self, programme: str, session: UUID, conclusion: str, *, revision: int) -> CalibrationSession:
        """Close a session with what it came to."""
        address = f"{self._sessions}/{session}/conclusion"
        said = Conclusion(conclusion=conclusion)
        return await self._transport.change(CalibrationSession, address, said, {"programme": programme}, revision=revision)

    async def hide(self, programme: str, session: UUID, number: int) -> CalibrationItem:
        """Hide a concluded item in everyday work."""
        return await self._put(CalibrationItem, f"{session}/items/{number}/golden", None, programme)

    async def unhide(self, programme: str, session: UUID, number: int) -> None:
        """Hide an item no longer."""
        await self._delete(f"{session}/items/{number}/golden", programme)

    async def precedents(self, programme: str, filters: Query | None = None, *, page: int = 100) -> AsyncIterator[Precedent]:
        """Every precedent that matches, such as `{"q": "threat", "policy": ["harassment"]}`, newest first."""
        query = {**(filters or {}), "programme": programme, "limit": page}
        async for response in self._transport.pages(f"{self._address}/v1/precedents", query):
            for precedent in parsed(PrecedentPage, response).items:
                yield precedent

    async def golden_results(
        self, programme: str, filters: Query | None = None, *, page: int = 100
    ) -> AsyncIterator[GoldenResult]:
        """What auditors said of golden items, newest first."""
        query = {**(filters or {}), "programme": programme, "limit": page}
        async for response in self._transport.pages(f"{self._address}/v1/golden-results", query):
            for result in parsed(GoldenResultPage, response).items:
                yield result

    async def _put(
        self, model: type[Model], place: str, body: BaseModel | None, programme: str, revision: int | None = None
    ) -> Model:
        headers = {} if revision is None else {"If-Match": f'"{revision}"'}
        address = f"{self._sessions}/{place}"
        response = await self._transport.request("PUT", address, query={"programme": programme}, body=body, headers=headers)
        return parsed(model, response)

    async def _delete(self, place: str, programme: str) -> None:
        await self._transport.request("DELETE", f"{self._sessions}/{place}", query={"programme": programme})

    async def _move(self, programme: str, session: UUID, step: str, revision: int) -> CalibrationSession:
        address, headers = f"{self._sessions}/{session}/{step}", {"If-Match": f'"{revision}"'}
        response = await self._transport.request("POST", address, query={"programme": programme}, headers=headers)
        return parsed(CalibrationSession, response)
