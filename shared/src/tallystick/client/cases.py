"""Root-cause cases and their conversation."""

from collections.abc import AsyncIterator
from uuid import UUID

from tallystick.client.transport import Query, Transport, parsed
from tallystick.schemas.case import Audience, Case, CasePage, Closure, Message, MessagePage, NewCase, NewMessage


class Cases:
    """The root-cause cases of a programme."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = f"{address}/v1/cases"

    async def open(self, programme: str, case: NewCase) -> Case:
        """Open a case."""
        return await self._transport.create(Case, self._address, case, {"programme": programme})

    async def list(self, programme: str, filters: Query | None = None, *, page: int = 100) -> AsyncIterator[Case]:
        """Every case that passes the filters."""
        query = {**(filters or {}), "programme": programme, "limit": page}
        async for response in self._transport.pages(self._address, query):
            for case in parsed(CasePage, response).items:
                yield case

    async def read(self, programme: str, case: UUID) -> Case:
        """One case as it stands."""
        return await self._transport.read(Case, f"{self._address}/{case}", {"programme": programme})

    async def say(self, programme: str, case: UUID, text: str, audience: Audience = Audience.VENDOR) -> Message:
        """Add to the conversation: with the vendor, or among the client's people."""
        message = NewMessage(audience=audience, text=text)
        return await self._transport.create(Message, f"{self._address}/{case}/messages", message, {"programme": programme})

    async def messages(self, programme: str, case: UUID, *, page: int = 100) -> AsyncIterator[Message]:
        """The conversation, oldest first."""
        query: Query = {"programme": programme, "limit": page}
        async for response in self._transport.pages(f"{self._address}/{case}/messages", query):
            for message in parsed(MessagePage, response).items:
                yield message

    async def close(self, programme: str, case: UUID, conclusion: str, *, revision: int) -> Case:
        """Close the `revision` of a case that was read."""
        return await self._transport.change(
            Case,
            f"{self._address}/{case}/closure",
            Closure(conclusion=conclusion),
            {"programme": programme},
            revision=revision,
        )
