"""Appeals: raised by a vendor, claimed and decided by adjudicators."""

from collections.abc import AsyncIterator, Iterable
from uuid import UUID

from pydantic import BaseModel

from tallystick.client.audits import MediaType
from tallystick.client.transport import Query, Transport, parsed
from tallystick.schemas.appeal import (
    Appeal,
    AppealBatchResult,
    AppealEvent,
    AppealHistory,
    AppealPage,
    Decision,
    NewAppeal,
    Note,
)
from tallystick.schemas.base import new_id

_NO_CONTENT = 204


class Appeals:
    """The appeals of a programme."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = address
        self._appeals = f"{address}/v1/appeals"

    async def submit(self, programme: str, appeal: NewAppeal) -> Appeal:
        """Appeal an audit of the caller's own vendor. The same appeal again answers the one that is there."""
        return await self._transport.create(Appeal, self._appeals, appeal, {"programme": programme})

    async def submit_all(
        self, programme: str, rows: Iterable[NewAppeal] | bytes, *, media_type: MediaType = "application/x-ndjson"
    ) -> AppealBatchResult:
        """Appeal up to 10,000 audits, each row with its own verdict; `rows` are appeals, or a body of `media_type`."""
        if not isinstance(rows, bytes):
            rows = b"\n".join(row.__pydantic_serializer__.to_json(row, exclude_none=True) for row in rows)
            media_type = "application/x-ndjson"
        response = await self._transport.request(
            "POST",
            f"{self._address}/v1/appeal-batches",
            query={"programme": programme},
            body=rows,
            headers={"Content-Type": media_type, "Idempotency-Key": str(new_id())},
        )
        return parsed(AppealBatchResult, response)

    async def list(self, programme: str, filters: Query | None = None, *, page: int = 100) -> AsyncIterator[Appeal]:
        """Every appeal that passes the filters, such as `{"state": "submitted", "vendor": "acme"}`, newest first."""
        query = {**(filters or {}), "programme": programme, "limit": page}
        async for response in self._transport.pages(self._appeals, query):
            for appeal in parsed(AppealPage, response).items:
                yield appeal

    async def read(self, programme: str, appeal: UUID) -> Appeal:
        """One appeal as it stands now."""
        return await self._transport.read(Appeal, f"{self._appeals}/{appeal}", {"programme": programme})

    async def history(self, programme: str, appeal: UUID) -> tuple[AppealEvent, ...]:
        """Every step of an appeal, oldest first."""
        address = f"{self._appeals}/{appeal}/history"
        return (await self._transport.read(AppealHistory, address, {"programme": programme})).items

    async def claim(self, programme: str, filters: Query | None = None) -> Appeal | None:
        """The appeal that is due first of those that the caller may decide, now the caller's; None where there is none.

        `filters` holds `language`, `market` and `stage`.
        """
        query, headers = {**(filters or {}), "programme": programme}, {"Idempotency-Key": str(new_id())}
        response = await self._transport.request("POST", f"{self._address}/v1/appeal-claims", query=query, headers=headers)
        return None if response.status_code == _NO_CONTENT else parsed(Appeal, response)

    async def release(self, programme: str, appeal: UUID, note: str, *, revision: int) -> Appeal:
        """Give a claimed appeal back, from the `revision` that was read."""
        return await self._step(programme, appeal, "release", Note(note=note), revision)

    async def decide(self, programme: str, appeal: UUID, decision: Decision, *, revision: int) -> Appeal:
        """Decide a claimed appeal."""
        return await self._step(programme, appeal, "decision", decision, revision)

    async def withdraw(self, programme: str, appeal: UUID, note: str, *, revision: int) -> Appeal:
        """Take an open appeal back."""
        return await self._step(programme, appeal, "withdrawal", Note(note=note), revision)

    async def escalate(self, programme: str, appeal: UUID, note: str, *, revision: int) -> Appeal:
        """Take a decision to arbitration."""
        return await self._step(programme, appeal, "escalation", Note(note=note), revision)

    async def acknowledge(self, programme: str, appeal: UUID, *, revision: int) -> Appeal:
        """Say that the vendor has read the decision."""
        return await self._step(programme, appeal, "acknowledgement", None, revision)

    async def _step(self, programme: str, appeal: UUID, step: str, body: BaseModel | None, revision: int) -> Appeal:
        address, headers = f"{self._appeals}/{appeal}/{step}", {"If-Match": f'"{revision}"'}
        response = await self._transport.request("POST", address, query={"programme": programme}, body=body, headers=headers)
        return parsed(Appeal, response)
