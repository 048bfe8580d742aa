"""Items of work: handed to auditors, audited, given back; and who the auditors are."""

from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote
from uuid import UUID

from tallystick.client.transport import Query, Transport, parsed
from tallystick.schemas.base import new_id
from tallystick.schemas.sampling import Claim, HandBack, ItemState, NewClaim, NewItemAudit, SampleItem, SampleItemPage
from tallystick.schemas.staffing import Auditor, AuditorPage, NewAuditor


class Items:
    """The items of a programme: the caller's own, or all of them for managers."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._items = f"{address}/v1/sample-items"
        self._claims = f"{address}/v1/sample-item-claims"

    async def claim(self, programme: str, *, lighter: bool = False) -> Claim:
        """The next item, or why there is none. Who has one in hand is handed the same again, so failures are tried again."""
        body, query = NewClaim(lighter=lighter), {"programme": programme}
        return parsed(Claim, await self._transport.request("POST", self._claims, query=query, body=body, repeatable=True))

    async def list(
        self, programme: str, states: Sequence[ItemState] = (), *, claimed_by: Sequence[str] = (), page: int = 100
    ) -> AsyncIterator[SampleItem]:
        """The items in any of the states, or all, newest first: those of these people, or of all."""
        query: Query = {"programme": programme, "state": states, "claimed_by": claimed_by, "limit": page}
        async for response in self._transport.pages(self._items, query):
            for item in parsed(SampleItemPage, response).items:
                yield item

    async def read(self, programme: str, item: UUID) -> SampleItem:
        """One item as it stands."""
        return await self._transport.read(SampleItem, f"{self._items}/{item}", {"programme": programme})

    async def audit(self, programme: str, item: UUID, audit: NewItemAudit) -> SampleItem:
        """Record the judgement on an item in hand.

        Raises:
            ProblemError: 409 where it is not in hand, or the programme does not take the judgement.
        """
        headers, query = {"Idempotency-Key": str(new_id())}, {"programme": programme}
        address = f"{self._items}/{item}/audit"
        return parsed(SampleItem, await self._transport.request("POST", address, query=query, body=audit, headers=headers))

    async def hand_back(self, programme: str, item: UUID, back: HandBack, *, revision: int) -> SampleItem:
        """Give an item back, from the `revision` of it that was read."""
        address, query = f"{self._items}/{item}/hand-back", {"programme": programme}
        headers = {"If-Match": f'"{revision}"', "Idempotency-Key": str(new_id())}
        return parsed(SampleItem, await self._transport.request("POST", address, query=query, body=back, headers=headers))

    async def renew(self, programme: str, item: UUID, *, revision: int) -> SampleItem:
        """Have an item in hand for as long again."""
        address, headers = f"{self._items}/{item}/renewal", {"If-Match": f'"{revision}"'}
        return parsed(SampleItem, await self._transport.request("POST", address, query={"programme": programme}, headers=headers))


class Auditors:
    """Who audits in a programme."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._auditors = f"{address}/v1/auditors"

    async def list(self, programme: str, *, active: bool | None = None, page: int = 100) -> AsyncIterator[Auditor]:
        """Auditors by name: all, or those alone who audit now, or who do not."""
        query: Query = {"programme": programme, "active": active, "limit": page}
        async for response in self._transport.pages(self._auditors, query):
            for auditor in parsed(AuditorPage, response).items:
                yield auditor

    async def read(self, programme: str, auditor: str) -> Auditor:
        """What somebody can do, and when they are there."""
        return await self._transport.read(Auditor, self._of(auditor), {"programme": programme})

    async def put(self, programme: str, auditor: str, new: NewAuditor, *, revision: int | None = None) -> Auditor:
        """Write down what somebody can do: somebody new, or in place of the `revision` that was read."""
        headers = {} if revision is None else {"If-Match": f'"{revision}"'}
        query = {"programme": programme}
        return parsed(Auditor, await self._transport.request("PUT", self._of(auditor), query=query, body=new, headers=headers))

    def _of(self, auditor: str) -> str:
        return f"{self._auditors}/{quote(auditor, safe='')}"
