"""Killing processes at random while signals arise, cases are drafted and actions fall due; then looking at what came of it."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from factories import audit_row, missed, programme_document
from tallystick.client import Tallystick, TallystickError
from tallystick.schemas.action import ActionKind, NewAction
from tallystick.schemas.audit import NewAudit
from tallystick.schemas.base import new_id
from tallystick.schemas.case import Case, CaseEventKind, NewCase
from tallystick.schemas.notice import NoticeKind
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick_embedded.clock import put_clock
from tallystick_embedded.stack import Stack

VICTIMS = ("rca-api", "reporting-api", "postgres")
SETTINGS = {
    "TALLYSTICK_DETECT_AFTER_SECONDS": "0.3",
    "TALLYSTICK_FOLLOW_SECONDS": "0.2",
    "TALLYSTICK_SWEEP_SECONDS": "0.2",
}
"""Of a stack on which all of that happens within seconds."""

_WEEKS, _A_WEEK = 9, 60
_DUE = 30
"""Days from the beginning until all actions are due; people are reminded of it two working days before."""
_REMINDED, _OVER = 29, 60
"""Days after which everybody has been reminded, and after which nothing more is to be said."""
_OWNERS = (("bo", "borealis"), ("bea", "borealis"), ("quinn", None))
_PATIENCE_S = 120.0
_LOOK_AGAIN_S = 0.3
_SWEEPS_S = 1.5
"""Several sweeps, in which something might be said a second time."""

Told = tuple[UUID, str, str | None]
"""About what, what, and at which station."""


@dataclass
class WorkToll:
    """What was killed how often, what had to come about, and what did."""

    kills: Counter[str] = field(default_factory=Counter)
    expected: set[Told] = field(default_factory=set)
    """Reminders and escalations."""
    told: Counter[Told] = field(default_factory=Counter)
    signals: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Programme and key → how many of them the list of signals has."""
    led_to: dict[tuple[str, str], list[UUID]] = field(default_factory=dict)
    """Programme and key → the cases that name it."""
    faults: dict[str, int] = field(default_factory=dict)
    """Programme with one fault → cases that signals opened."""
    gathered: Counter[UUID] = field(default_factory=Counter)
    """Case → how often its evidence was gathered, by its history."""
    opened: Counter[UUID] = field(default_factory=Counter)
    """Case → how often it was told that it was opened."""

    def wrongs(self) -> list[str]:
        """What was lost and what was doubled."""
        found = [f"not told: {each}" for each in self.expected - set(self.told)]
        found += [f"told {count} times: {each}" for each, count in self.told.items() if count != 1 or each not in self.expected]
        found += [f"{count} signals: {key}" for key, count in self.signals.items() if count != 1]
        led = {key: len(self.led_to.get(key, [])) for key in self.signals}
        found += [f"{key} led to {count} cases" for key, count in led.items() if count != 1]
        found += [f"{count} cases for the fault in {programme}" for programme, count in self.faults.items() if count != 1]
        found += [f"evidence gathered {count} times: {case}" for case, count in self.gathered.items() if count != 1]
        found += [f"opening told {count} times: {case}" for case, count in self.opened.items() if count != 1]
        return found


class Work:
    """Programmes in which something happens while processes are killed."""

    def __init__(self, stack: Stack, shift: Path, kills: int, chance: random.Random) -> None:
        self._stack = stack
        self._shift = shift
        self._kills = kills
        self._chance = chance
        self._began = datetime.now(UTC)
        self._programmes: list[str] = []
        self._agreeing = asyncio.Lock()
        self._halfway = False
        """From then on time goes past the day on which actions are due, and no further ones are agreed on."""
        self.toll = WorkToll()

    async def run(self) -> WorkToll:
        """Kill, while programmes come, go wrong, and time passes; then look at all of it."""
        token = self._stack.token(Role.ADMIN)
        async with Tallystick(self._stack.url, token, patience_s=_PATIENCE_S) as client:
            await self._programme(client)
            async with asyncio.TaskGroup() as together:
                killing = together.create_task(self._kill(client))
                together.create_task(self._go_on(client, killing))
            await _until(lambda: self._complete(client))
            await asyncio.sleep(_SWEEPS_S)
            await self._look(client)
        return self.toll

    async def _go_on(self, client: Tallystick, killing: "asyncio.Task[None]") -> None:
        """One programme after the other, until the last kill."""
        while not killing.done():
            await self._programme(client)
            await asyncio.sleep(self._chance.uniform(1, 4))

    async def _programme(self, client: Tallystick) -> None:
        """A programme in which a rate goes up in one place, and actions of another vendor wait in vain for their owners."""
        slug = f"w-{new_id().hex[-16:]}"
        await _applied(client, Programme.model_validate(programme_document(slug)))
        async with self._agreeing:
            if not self._halfway:
                await self._agree(client, slug)
        await client.audits.push(slug, list(self._rows()))
        self._programmes.append(slug)

    async def _agree(self, client: Tallystick, slug: str) -> None:
        case = await client.cases.open(slug, NewCase(vendor="borealis", title="Slow at night"))
        for owner, vendor in _OWNERS:
            due_at = self._began + timedelta(days=_DUE)
            new = NewAction(kind=ActionKind.CORRECTIVE, title="See to it", owner=owner, owner_vendor=vendor, due_at=due_at)
            action = await client.actions.agree(slug, case.id, new)
            self.toll.expected |= set(_to_be_told(action.id, vendor))

    def _rows(self) -> Iterator[NewAudit]:
        day = self._began.replace(hour=12, minute=0, second=0, microsecond=0)
        monday = day - timedelta(days=day.weekday(), weeks=_WEEKS)
        for week in range(_WEEKS):
            at = monday + timedelta(weeks=week)
            times = {"decided_at": at.isoformat(), "audited_at": (at + timedelta(hours=1)).isoformat()}
            for number in range(_A_WEEK):
                wrong = number < (1 if week < _WEEKS - 1 else _A_WEEK // 3)
                yield NewAudit.model_validate((missed if wrong else audit_row)(f"{week}-{number}", **times))

    async def _kill(self, client: Tallystick) -> None:
        """Kill one after the other, in the midst of what time has just brought."""
        for number in range(self._kills):
            half = self._kills // 2
            if number == half:
                async with self._agreeing:
                    self._halfway = True
                await _until(lambda: self._reminded(client))
            first, last, of, part = (0, _REMINDED, half, number) if number < half else (_REMINDED, _OVER, half, number - half)
            put_clock(self._shift, timedelta(days=first + (last - first) * min(part + 1, of) / of))
            await asyncio.sleep(self._chance.uniform(0, 0.6))
            victim = VICTIMS[number % len(VICTIMS)]
            await self._stack.kill(victim)
            self.toll.kills[victim] += 1
            await asyncio.sleep(self._chance.uniform(0, 0.3))
            await self._stack.restart(victim)

    async def _reminded(self, client: Tallystick) -> bool:
        """Whether everybody was told that an action is due soon: once it is due, nobody says so any more."""
        soon = {each for each in self.toll.expected if each[1] == NoticeKind.ACTION_DUE_SOON}
        return soon <= set(await self._told(client))

    async def _told(self, client: Tallystick) -> Counter[Told]:
        kinds = {"kind": sorted({kind for _, kind, _ in self.toll.expected})}
        return Counter(
            [
                (notice.subject_id, notice.kind.value, notice.station and notice.station.value)
                for programme in self._programmes
                async for notice in client.notices.list(programme, kinds)
            ]
        )

    async def _complete(self, client: Tallystick) -> bool:
        """Whether all has come about that has to."""
        for programme in self._programmes:
            keys = {signal.key async for signal in client.signals(programme)}
            cases = [case async for case in client.cases.list(programme)]
            if not keys or not keys <= {key for case in cases for key in case.signals}:
                return False
            if any(case.evidence_at is None for case in cases):
                return False
        return self.toll.expected <= set(await self._told(client))

    async def _look(self, client: Tallystick) -> None:
        toll = self.toll
        toll.told = await self._told(client)
        for programme in self._programmes:
            toll.signals.update([(programme, signal.key) async for signal in client.signals(programme)])
            cases: list[Case] = [case async for case in client.cases.list(programme)]
            toll.faults[programme] = sum(case.origin == "signal" for case in cases)
            for case in cases:
                events = [event.kind async for event in client.cases.history(programme, case.id)]
                toll.gathered[case.id] = events.count(CaseEventKind.EVIDENCE)
                toll.opened[case.id] = 0
                for key in case.signals:
                    toll.led_to.setdefault((programme, key), []).append(case.id)
            async for notice in client.notices.list(programme, {"kind": NoticeKind.CASE_OPENED.value}):
                toll.opened[notice.subject_id] += 1


def _to_be_told(action: UUID, vendor: str | None) -> Iterator[Told]:
    yield action, NoticeKind.ACTION_DUE_SOON.value, "owner"
    yield action, NoticeKind.ACTION_OVERDUE.value, "owner"
    stations = ("team_lead", "quality_manager", "gpm") if vendor else ("quality_manager", "gpm")
    for station in stations:
        yield action, NoticeKind.ACTION_ESCALATED.value, station


async def _applied(client: Tallystick, document: Programme) -> None:
    """Put a document, again as long as the database dies under it: nothing tells the client that to repeat that is safe."""
    while True:
        try:
            await client.programmes.apply(document)
        except TallystickError:
            await asyncio.sleep(_LOOK_AGAIN_S)
        else:
            return


async def _until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not await true():
            await asyncio.sleep(_LOOK_AGAIN_S)
