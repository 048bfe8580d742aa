"""Killing processes at random while people claim, audit and give back items, and comparing what is kept with what they know."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from factories import programme_document
from items import item_row
from tallystick.client import ProblemError, Tallystick, UnreachableError
from tallystick.schemas.audit import Judgement
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.schemas.sampling import HandBack, HandBackReason, NewItemAudit, NoItem, SampleItem
from tallystick.schemas.staffing import Conflicts, NewAuditor
from tallystick_embedded.clock import put_clock
from tallystick_embedded.stack import Stack

VICTIMS = ("audit-api", "postgres")
LEASE = timedelta(minutes=5)
CAP = 60.0
_HARM = 4.0
_EXPECTED_S = 360
"""More than anybody ever has an item in hand: a lease, and what a kill takes."""
_HANDLED_S = (60, 299)
_ROUND_S = 150
"""Seconds that go by while everybody audits one item."""
_HEAVY_EACH = 6
"""Harmful items for every person: more than their caps leave room for."""
_ITEMS_A_KILL = 24
_MODERATORS = 8
_PATIENCE_S = 120.0
_LOOK_AGAIN_S = 0.2
_ASK_AGAIN_S = 0.7
"""After nothing was handed out."""
_GONE = ("/not-found", "/item-not-in-hand", "/precondition-failed")
"""The problems with an item that is in one's hand no more."""
_OVER = "select auditor, day, sum(dose) from exposures where programme = $1 group by auditor, day having sum(dose) > $2"
_RIGHT = Judgement(benchmark_action="remove", benchmark_policy="harassment", verdict="correct")


@dataclass
class Person:
    """Somebody who audits, and what they were told."""

    subject: str
    auditor: NewAuditor
    client: Tallystick
    claims: dict[UUID, set[datetime]] = field(default_factory=lambda: defaultdict(set))
    """Item → when it was handed to them, as often as it was."""
    audited: dict[UUID, int] = field(default_factory=dict)
    """Item → seconds of work."""
    given_back: set[UUID] = field(default_factory=set)
    maybe_given_back: set[UUID] = field(default_factory=set)
    """No answer came, and after that the item was not in their hand."""

    def may(self, item: SampleItem) -> bool:
        """Whether an item is for them, by their skills, their conflicts and what they gave back."""
        languages, conflicts = self.auditor.languages, self.auditor.conflicts
        skilled = not languages or item.language in languages
        return skilled and f"{item.vendor}/{item.site}" not in conflicts.sites and item.id not in self.given_back


@dataclass
class ClaimToll:
    """What was killed how often, what was done, and what was wrong."""

    kills: Counter[str] = field(default_factory=Counter)
    drawn: int = 0
    claimed: int = 0
    audited: int = 0
    given_back: int = 0
    lapsed: int = 0
    """Claims that came to nothing, because the time for them ran out."""
    full: int = 0
    """People whom a cap stopped."""
    wrongs: list[str] = field(default_factory=list)


class Claims:
    """A programme in which people work while processes are killed, and time goes past their leases now and then.

    Args:
        stack: runs, with a sweep every moment, and a clock of audit-api that `shift` moves.
        shift: where it is said by how much that clock is before the machine's.
        kills: how many.
        people: who work at once.
        chance: decides on everything.
    """

    def __init__(self, stack: Stack, shift: Path, kills: int, people: int, chance: random.Random) -> None:
        self._stack = stack
        self._shift = shift
        self._kills = kills
        self._chance = chance
        self._programme = f"c-{new_id().hex[-16:]}"
        self._people = [self._person(number) for number in range(people)]
        morning = (datetime.now(UTC) + timedelta(days=1)).replace(hour=6)  # so that it all happens on one day
        self._by = morning - datetime.now(UTC)
        self._hands: dict[UUID, tuple[Person, SampleItem]] = {}
        """Who was handed an item last and has not begun to give it away."""
        self._done: set[UUID] = set()
        self._oversleeps = False
        """Whether whoever is handed an item next leaves it until its lease is over."""
        self._moves = 0
        """How often something came to wait, which somebody else may be handed."""
        self._idle: set[str] = set()
        """Who was handed nothing since then."""
        self.toll = ClaimToll()

    def _person(self, number: int) -> Person:
        subject = f"qa-{number}"
        conflicts = Conflicts(sites=("acme/cairo",) if number % 4 == 1 else ())
        auditor = NewAuditor(name=subject, languages=(("pl",), ("es",), ())[number % 3], conflicts=conflicts)
        token = self._stack.token(Role.AUDITOR, subject=subject)
        return Person(subject, auditor, Tallystick(self._stack.url, token, patience_s=_PATIENCE_S))

    async def run(self) -> ClaimToll:
        """Kill, while everybody works; then lift the cap and let them finish; then look at all of it."""
        put_clock(self._shift, self._by)
        async with AsyncExitStack() as clients:
            admin = await clients.enter_async_context(Tallystick(self._stack.url, self._stack.token(Role.ADMIN)))
            for person in self._people:
                await clients.enter_async_context(person.client)
            await admin.programmes.apply(self._document(daily_cap=CAP))
            for person in self._people:
                await admin.auditors.put(self._programme, person.subject, person.auditor)
            await self._put_items()
            async with asyncio.TaskGroup() as together:
                killing = together.create_task(self._kill())
                for person in self._people:
                    together.create_task(self._work(person, killing))
            await self._look_at_caps()
            await admin.programmes.apply(self._document(daily_cap=None))
            self._stir()
            async with asyncio.TaskGroup() as together:
                for person in self._people:
                    together.create_task(self._work(person, killing))
        await self._look()
        return self.toll

    def _document(self, **exposure: Any) -> Programme:
        handing = {"lease_minutes": LEASE.seconds // 60, "seconds_per_item": _EXPECTED_S, "repeat_share": 0.1}
        rules = {"heavy_from": 10, "break_after_minutes": 480, "break_minutes": 1, **exposure}
        return Programme.model_validate(programme_document(self._programme, handing=handing, exposure=rules))

    async def _kill(self) -> None:
        """Kill one after the other. About every third one time goes past the leases, so that all that is in hand waits again."""
        for number in range(self._kills):
            await self._put_items()
            await asyncio.sleep(self._chance.uniform(0.05, 0.8))
            self._oversleeps |= number % 3 == 1
            victim = VICTIMS[number % len(VICTIMS)]
            await self._stack.kill(victim)
            self.toll.kills[victim] += 1
            await asyncio.sleep(self._chance.uniform(0, 0.3))
            await self._stack.restart(victim)

    def _go_by(self, time: timedelta) -> None:
        self._by += time
        put_clock(self._shift, self._by)

    @asynccontextmanager
    async def _database(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self._stack.database_url("audit").replace("audit_runtime@", "postgres@"))
        yield connection
        await connection.close()

    async def _put_items(self) -> None:
        heavy = _HEAVY_EACH * len(self._people) / (self._kills + 1) / _ITEMS_A_KILL
        rows = [
            item_row(
                self._programme,
                harm=_HARM if self._chance.random() < heavy else 0.0,
                language=self._chance.choice(("pl", "es", "es")),
                site=self._chance.choice(("lisbon", "cairo")),
                moderator=f"m-{number % _MODERATORS}",
                turn=number // _MODERATORS + 1,
            )
            for number in range(_ITEMS_A_KILL)
        ]
        async with self._database() as database:
            await database.copy_records_to_table(
                "sample_items", records=[tuple(row.values()) for row in rows], columns=list(rows[0])
            )
        self.toll.drawn += len(rows)

    async def _work(self, person: Person, killing: "asyncio.Task[None]") -> None:
        """Claim, then audit or give back, until nothing is left for this person and nothing more comes."""
        while True:
            over, moves = killing.done(), self._moves
            claim = await person.client.items.claim(self._programme)
            if claim.item is not None:
                self._stir()
                self._handed(person, claim.item)
                await self._finish(person, claim.item)
                self._stir()
                continue
            if over and moves == self._moves:
                self._idle.add(person.subject)
            if len(self._idle) == len(self._people):
                self.toll.full += claim.reason is NoItem.DAY_IS_FULL
                return
            await asyncio.sleep(_ASK_AGAIN_S)

    def _stir(self) -> None:
        """Somebody has something in hand, or had: who was handed nothing before has to ask again."""
        self._moves += 1
        self._idle.clear()

    def _handed(self, person: Person, item: SampleItem) -> None:
        """Nobody else may have it, nor have audited it, and it must be for this person."""
        self.toll.claimed += 1
        person.claims[item.id].add(_time_of(item)[0])
        other = self._hands.get(item.id)
        if other is not None and other[0] is not person and _at_once(other[1], item):
            self.toll.wrongs.append(f"{item.id} in the hands of {other[0].subject} and {person.subject}")
        if item.id in self._done:
            self.toll.wrongs.append(f"{item.id} handed out after it was audited")
        if not person.may(item) or item.claimed_by != person.subject:
            self.toll.wrongs.append(f"{item.id} is not for {person.subject}")
        self._hands[item.id] = (person, item)

    async def _finish(self, person: Person, item: SampleItem) -> None:
        choice = self._chance.random()
        if self._oversleeps:
            self._oversleeps, choice = False, 0.0
            self._go_by(LEASE)
        if choice < 0.1:
            again = (await person.client.items.claim(self._programme)).item
            if again is None or (again.id, _time_of(again)) != (item.id, _time_of(item)):
                self._let_go(person, item)
            if again is not None:
                self._handed(person, again)
        elif choice < 0.25:
            await self._give_back(person, item)
        else:
            await self._audit(person, item)

    async def _audit(self, person: Person, item: SampleItem) -> None:
        seconds = self._chance.randint(*_HANDLED_S)
        self._go_by(timedelta(seconds=_ROUND_S / len(self._people)))
        try:
            await person.client.items.audit(self._programme, item.id, NewItemAudit(judgement=_RIGHT, handling_time_s=seconds))
        except ProblemError as error:
            if not error.problem.type.endswith(_GONE):
                raise
            self._let_go(person, item)
        else:
            person.audited[item.id] = seconds
            self._done.add(item.id)
            self._hands.pop(item.id, None)

    async def _give_back(self, person: Person, item: SampleItem) -> None:
        """Give it back, and again where no answer came: then what came of the first time is not known."""
        reason = self._chance.choice((HandBackReason.SKILL, HandBackReason.WELLBEING, HandBackReason.UNAVAILABLE))
        self._hands.pop(item.id, None)
        unanswered = False
        while True:
            try:
                await person.client.items.hand_back(self._programme, item.id, HandBack(reason=reason), revision=item.revision)
            except UnreachableError:
                unanswered = True
            except ProblemError as error:
                if error.problem.type.endswith(_GONE):
                    if unanswered:
                        person.maybe_given_back.add(item.id)
                    else:
                        self._let_go(person, item)
                    return
                if error.problem.status < 500:
                    raise
                unanswered = True
            else:
                person.given_back.add(item.id)
                return
            await asyncio.sleep(_LOOK_AGAIN_S)

    def _let_go(self, person: Person, item: SampleItem) -> None:
        """It is this person's no more, which nothing but time may do."""
        held = self._hands.get(item.id)
        if held is not None and held[0] is person:
            del self._hands[item.id]
        self.toll.lapsed += 1
        if datetime.now(UTC) + self._by < _time_of(item)[1]:
            self.toll.wrongs.append(f"{item.id} was taken from {person.subject}")

    async def _look_at_caps(self) -> None:
        async with self._database() as database:
            over = await database.fetch(_OVER, self._programme, CAP + 1e-6)
        self.toll.wrongs += [f"more than the cap: {tuple(row)}" for row in over]

    async def _look(self) -> None:
        """Compare what everybody was told with the items, the audits and the ledgers."""
        async with self._database() as database:
            items, audits, ledger = [
                await database.fetch(f"select * from {table} where programme = $1", self._programme)
                for table in ("sample_items", "audits", "exposures")
            ]
        toll, told = self.toll, {(person.subject, item) for person in self._people for item in person.audited}
        toll.audited = len(told)
        toll.given_back = sum(len(person.given_back) + len(person.maybe_given_back) for person in self._people)
        found = Counter((row["auditor"], UUID(row["external_id"])) for row in audits)
        toll.wrongs += [f"audit lost: {each}" for each in told - found.keys()]
        toll.wrongs += [f"audit by nobody: {each}" for each in found.keys() - told]
        toll.wrongs += [f"audited {count} times: {each}" for each, count in found.items() if count != 1]
        toll.wrongs += [f"{row['id']} is {row['state']} still" for row in items if row["state"] not in {"audited", "void"}]
        drawn = sum(row["kind"] == "sampled" for row in items)
        toll.wrongs += [] if drawn == toll.drawn else [f"{toll.drawn} were drawn, {drawn} are there"]
        known = {row["id"]: row for row in items}
        for person in self._people:
            mine: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
            for row in ledger:
                if row["auditor"] == person.subject:
                    mine[row["item_id"]].append(row)
            toll.wrongs += _wrongs(person, known, mine)


def _at_once(one: SampleItem, other: SampleItem) -> bool:
    """Whether two claims of an item overlap."""
    (began, ends), (other_began, other_ends) = _time_of(one), _time_of(other)
    return began < other_ends and other_began < ends


def _time_of(item: SampleItem) -> tuple[datetime, datetime]:
    """From when to when an item is in somebody's hand."""
    assert item.claimed_at is not None
    assert item.lease_until is not None
    return item.claimed_at, item.lease_until


def _wrongs(person: Person, items: dict[UUID, asyncpg.Record], ledger: dict[UUID, list[asyncpg.Record]]) -> list[str]:
    """What one person was told, beside what is kept of it."""
    who, lease = person.subject, LEASE.seconds
    wrongs = [f"{who} was handed {item}, which the ledger does not have" for item in person.claims.keys() - ledger.keys()]
    for item, seconds in person.audited.items():
        row = items[item]
        if (row["state"], row["audited_by"], row["handling_time_s"]) != ("audited", who, seconds):
            wrongs.append(f"{who} audited {item}, which is {row['state']} of {row['audited_by']}")
    for item in person.given_back:
        row = items[item]
        if row["state"] != "void" and who not in row["passed_by"]:
            wrongs.append(f"{who} gave {item} back, which is not known")
    for item, entries in ledger.items():
        began = {row["began_at"] for row in entries}
        wrongs += [f"{who} was handed {item} at {time}, which the ledger does not have" for time in person.claims[item] - began]
        for row in entries:
            if row["ended_at"] is None or abs(row["dose"] - row["harm"] * row["seconds"] / 60) > 1e-6:
                wrongs.append(f"the ledger has not ended {dict(row)}")
            elif item not in person.given_back | person.maybe_given_back:  # for as long as in hand, which nobody was told
                audited = item in person.audited and row["ended_at"] == items[item]["audited_at"]
                span = round((row["ended_at"] - row["began_at"]).total_seconds())
                counts = min(span, max(person.audited[item], _EXPECTED_S)) if audited else lease
                if row["seconds"] != counts:
                    wrongs.append(f"{who}: {counts} s of {item} were to count, and not those of {dict(row)}")
    return wrongs
