"""Root-cause cases: how they move, why it went wrong, and what is said."""

from collections.abc import AsyncIterator
from uuid import UUID

from tallystick.client.transport import Query, Transport, parsed
from tallystick.schemas.case import (
    Audience,
    Case,
    CaseChange,
    CaseEvent,
    CaseHistory,
    CaseLink,
    CaseLinks,
    CaseMove,
    CasePage,
    CaseStep,
    Closure,
    LinkKind,
    Message,
    MessagePage,
    NewCase,
    NewCaseLink,
    NewMessage,
)
from tallystick.schemas.cause import (
    Cause,
    CauseChange,
    CauseDecision,
    CauseList,
    NewCause,
    NewWhy,
    Why,
    WhyChange,
    WhyTree,
)
from tallystick.schemas.evidence import CaseEvidence, CaseEvidenceList


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

    async def change(self, programme: str, case: UUID, change: CaseChange, *, revision: int) -> Case:
        """Give fields of the `revision` of a case that was read other values."""
        return await self._transport.patch(Case, f"{self._address}/{case}", change, {"programme": programme}, revision=revision)

    async def step(self, programme: str, case: UUID, step: CaseStep, *, revision: int, note: str | None = None) -> Case:
        """Move the `revision` of a case that was read on; `close` closes it."""
        move = CaseMove.model_validate({"step": step, "note": note})
        query = {"programme": programme}
        return await self._transport.change(Case, f"{self._address}/{case}/steps", move, query, revision=revision)

    async def history(self, programme: str, case: UUID, *, page: int = 100) -> AsyncIterator[CaseEvent]:
        """Everything that happened on a case, oldest first."""
        query: Query = {"programme": programme, "limit": page}
        async for response in self._transport.pages(f"{self._address}/{case}/steps", query):
            for event in parsed(CaseHistory, response).items:
                yield event

    async def link(self, programme: str, case: UUID, to: UUID, kind: LinkKind = LinkKind.RELATED) -> CaseLink:
        """Link a case to another one."""
        link = NewCaseLink(kind=kind, to=to)
        return await self._transport.create(CaseLink, f"{self._address}/{case}/links", link, {"programme": programme})

    async def unlink(self, programme: str, case: UUID, link: UUID) -> None:
        """Take a link away."""
        await self._transport.request("DELETE", f"{self._address}/{case}/links/{link}", query={"programme": programme})

    async def links(self, programme: str, case: UUID) -> tuple[CaseLink, ...]:
        """The links from a case and to it."""
        return (await self._transport.read(CaseLinks, f"{self._address}/{case}/links", {"programme": programme})).items

    async def answer_why(self, programme: str, case: UUID, why: NewWhy) -> Why:
        """Add to the tree of whys."""
        return await self._transport.create(Why, f"{self._address}/{case}/whys", why, {"programme": programme})

    async def change_why(self, programme: str, case: UUID, why: UUID, change: WhyChange, *, revision: int) -> Why:
        """Change the `revision` of a why that was read."""
        return await self._transport.patch(
            Why, f"{self._address}/{case}/whys/{why}", change, {"programme": programme}, revision=revision
        )

    async def whys(self, programme: str, case: UUID) -> tuple[Why, ...]:
        """The tree of whys, parents before their children."""
        return (await self._transport.read(WhyTree, f"{self._address}/{case}/whys", {"programme": programme})).items

    async def propose_cause(self, programme: str, case: UUID, cause: NewCause) -> Cause:
        """Propose a root cause."""
        return await self._transport.create(Cause, f"{self._address}/{case}/causes", cause, {"programme": programme})

    async def change_cause(self, programme: str, case: UUID, cause: UUID, change: CauseChange, *, revision: int) -> Cause:
        """Change the `revision` of a root cause that was read."""
        return await self._transport.patch(
            Cause, f"{self._address}/{case}/causes/{cause}", change, {"programme": programme}, revision=revision
        )

    async def decide_cause(self, programme: str, case: UUID, cause: UUID, decision: CauseDecision, *, revision: int) -> Cause:
        """Accept or reject the `revision` of a root cause that was read."""
        address = f"{self._address}/{case}/causes/{cause}/decision"
        return await self._transport.change(Cause, address, decision, {"programme": programme}, revision=revision)

    async def causes(self, programme: str, case: UUID) -> tuple[Cause, ...]:
        """The root causes, oldest first."""
        return (await self._transport.read(CauseList, f"{self._address}/{case}/causes", {"programme": programme})).items

    async def evidence(self, programme: str, case: UUID) -> tuple[CaseEvidence, ...]:
        """What was gathered for a case; empty until then."""
        return (await self._transport.read(CaseEvidenceList, f"{self._address}/{case}/evidence", {"programme": programme})).items

    async def say(
        self,
        programme: str,
        case: UUID,
        text: str,
        audience: Audience = Audience.VENDOR,
        *,
        mentions: tuple[str, ...] = (),
    ) -> Message:
        """Add to the conversation: with the vendor, or among the client's people; `mentions` are whom it is meant for."""
        message = NewMessage(audience=audience, text=text, mentions=mentions)
        return await self._transport.create(Message, f"{self._address}/{case}/messages", message, {"programme": programme})

    async def messages(self, programme: str, case: UUID, *, page: int = 100) -> AsyncIterator[Message]:
        """The conversation, oldest first."""
        query: Query = {"programme": programme, "limit": page}
        async for response in self._transport.pages(f"{self._address}/{case}/messages", query):
            for message in parsed(MessagePage, response).items:
                yield message

    async def close(self, programme: str, case: UUID, conclusion: str, *, revision: int, override: str | None = None) -> Case:
        """Close the `revision` of a case that was read; with `override`, a reason, though something is missing."""
        return await self._transport.change(
            Case,
            f"{self._address}/{case}/closure",
            Closure(conclusion=conclusion, override=override),
            {"programme": programme},
            revision=revision,
        )
