"""Everything that people do about items of work, and what a plain model of the rules knows of it."""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import asyncpg
import httpx
from fastapi import FastAPI
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from appeals import Clock
from audit_api.items.sweeping import let_leases_end, tell
from factories import programme_document
from items import item_row, put_items
from tallystick.schemas.base import new_id
from tallystick.schemas.sampling import SampleItem

Result = TypeVar("Result")
Row = dict[str, Any]

BEGINNING = datetime(2026, 9, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
LEASE, EXPECTED_S = timedelta(minutes=10), 120
BREAK_AFTER, BREAK, COOL_DOWN, HEAVY = timedelta(minutes=60), timedelta(minutes=10), timedelta(minutes=3), 6
HARMS = {"no_violation": 0.0, "harassment": 3.0, "hate": 8.0}
CORRECT = {"benchmark_action": "remove", "benchmark_policy": "harassment", "verdict": "correct"}
PEOPLE = ("qa-0", "qa-1", "qa-2")
ORDER = ("priority", "due_at", "turn", "rank")
BLIND = ("draw_id", "stratum", "inclusion_probability")
people = st.sampled_from(PEOPLE)
kinds = st.tuples(
    st.sampled_from(["es", "es", "pl"]),
    st.sampled_from(sorted(HARMS)),
    st.sampled_from([("acme", "lisbon"), ("acme", "cairo"), ("borealis", "krakow")]),
    st.sampled_from(["m-1", "m-2", "qa-1"]),
    st.sampled_from([3, 5]),
)
skills = st.fixed_dictionaries(
    {
        "languages": st.sampled_from([[], [], ["es"], ["pl"]]),
        "policies": st.sampled_from([[], [], ["hate", "harassment"], ["no_violation"]]),
        "conflicts": st.sampled_from([{}, {}, {"moderators": ["m-1"]}, {"sites": ["acme/cairo"]}, {"vendors": ["borealis"]}]),
        "absences": st.sampled_from([[], [], [{"first_day": "2026-09-02", "last_day": "2026-09-02"}]]),
        "active": st.sampled_from([True, True, True, False]),
    }
)


@dataclass
class Looked:
    """One entry of somebody's ledger."""

    item: str
    began: datetime
    harm: float
    seconds: int = EXPECTED_S
    ended: datetime | None = None

    @property
    def dose(self) -> float:
        """Harm times minutes; all content is images."""
        return self.harm * self.seconds / 60

    def until(self, now: datetime) -> datetime:
        """When it ended, as far as it is known."""
        return self.ended or min(now, self.began + timedelta(seconds=EXPECTED_S))


@dataclass
class Person:
    """What is known of somebody."""

    skills: Row = field(default_factory=dict)
    opted_out: list[str] = field(default_factory=list)
    break_until: datetime = BEGINNING
    ledger: list[Looked] = field(default_factory=list)
    met: set[Any] = field(default_factory=set)
    """The golden items that came to them."""


class Working(RuleBasedStateMachine):
    """Three people at one programme's items. The fixtures of the test are put into its class."""

    loop: asyncio.AbstractEventLoop
    app: FastAPI
    clock: Clock
    store: asyncpg.Connection
    admin: httpx.AsyncClient
    clients: dict[str, httpx.AsyncClient]

    def __init__(self) -> None:
        super().__init__()
        self.programme = f"i-{new_id().hex[-16:]}"
        self.clock.now = BEGINNING
        self.people = {name: Person() for name in PEOPLE}
        self.items: dict[str, Row] = {}
        """As the model knows them, by id."""
        self.audits: dict[str, str] = {}
        """Whose audit of an item was acknowledged."""

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something in the test's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    async def ask(self, client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask audit-api."""
        return await client.request(method, f"/v1/{path}", params={"programme": self.programme}, **more)

    def asks(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Somebody asks audit-api."""
        return self.run(self.ask(self.clients[who], method, path, **more))

    @initialize(
        caps=st.sampled_from([{}, {"daily_cap": 20}, {"daily_cap": 40, "weekly_cap": 50}]),
        each=st.lists(kinds, min_size=3, max_size=8),
        in_a_row=st.integers(1, 3),
        shares=st.sampled_from([{}, {"repeat_share": 0.2}]),
    )
    def configure(self, caps: Row, each: list[Any], in_a_row: int, shares: Row) -> None:
        """A programme of its own, with people and items."""
        self.caps, self.in_a_row = caps, in_a_row
        times = {"break_after_minutes": 60, "break_minutes": 10, "cool_down_minutes": 3}
        policies = [{"code": code, "name": code, "harm": harm} for code, harm in HARMS.items()]
        document = programme_document(
            self.programme,
            exposure={"heavy_in_a_row": in_a_row, "heavy_from": HEAVY, **times, **caps},
            handing={"lease_minutes": 10, "seconds_per_item": EXPECTED_S, **shares},
            policy_set={"version": "1", "policies": policies},
        )
        assert self.run(self.admin.put(f"/v1/programmes/{self.programme}", json=document)).status_code == 201
        for name in PEOPLE:
            self.change(name, {"languages": [], "policies": [], "conflicts": {}, "absences": [], "active": True})
        self.put(each)

    @rule(each=st.lists(kinds, min_size=1, max_size=4))
    def put(self, each: list[Any]) -> None:
        """Items are drawn."""
        rows = []
        for number, (language, policy, (vendor, site), moderator, priority) in enumerate(each, len(self.items)):
            facts = {"language": language, "policy": policy, "vendor": vendor, "site": site, "moderator": moderator}
            place = {"priority": priority, "turn": number % 3, "rank": number.to_bytes(32), "harm": HARMS[policy]}
            rows.append(item_row(self.programme, **facts, **place))
        self.run(put_items(self.app, rows))
        for row in rows:
            self.items[str(row["id"])] = row | {"passed_by": set(), "audited_by": None}

    @rule(who=people, what=skills)
    def change(self, who: str, what: Row) -> None:
        """A manager changes what somebody can do."""
        headers = {"If-Match": "*"} if self.people[who].skills else {}
        work = self.ask(self.admin, "PUT", f"auditors/{who}", json={"name": who, **what}, headers=headers)
        assert self.run(work).is_success
        self.people[who].skills = what

    @rule(who=people, policies=st.lists(st.sampled_from(sorted(HARMS)), unique=True, max_size=2))
    def opt_out(self, who: str, policies: list[str]) -> None:
        """Somebody is not to be handed work of policies."""
        assert self.asks(who, "PUT", "exposure/opt-outs", json={"policies": policies}).is_success
        self.people[who].opted_out = policies

    @rule(who=people, minutes=st.integers(1, 20))
    def take_break(self, who: str, minutes: int) -> None:
        """Somebody rests."""
        assert self.asks(who, "PUT", "exposure/break", json={"minutes": minutes}).is_success
        until = self.clock.now + timedelta(minutes=minutes)
        self.people[who].break_until = max(self.people[who].break_until, until)

    @rule(minutes=st.sampled_from([1, 2, 4, 9, 11, 40, 900]))
    def let_pass(self, minutes: int) -> None:
        """Time passes."""
        self.clock.move(minutes=minutes)

    @rule()
    def sweep(self) -> None:
        """Two replicas let leases end, and the feed tells of it."""

        async def both() -> None:
            await asyncio.gather(*(let_leases_end(self.app.state.database, self.clock) for _ in range(2)))
            await tell(self.app.state.database)

        self.run(both())
        for name in PEOPLE:
            held = self.in_hand(name)
            if held is not None and held["lease_until"] <= self.clock.now:
                self.let_go(name, held)

    @rule(who=people, lighter=st.sampled_from([False, False, True]))
    def claim(self, who: str, lighter: bool) -> None:
        """Somebody asks for work: what they get is what the model says, or a check that is for them in its place."""
        answer = self.asks(who, "POST", "sample-item-claims", json={"lighter": lighter})
        if not self.people[who].skills["active"]:
            assert answer.status_code == 403
            return
        assert answer.status_code == 200, answer.text
        claim, held = answer.json(), self.in_hand(who)
        if held is not None and held["lease_until"] > self.clock.now:
            assert claim["item"]["id"] == str(held["id"])
            return
        if held is not None:
            self.let_go(who, held)
        reason, found, lighter_came = self.expected(who, lighter=lighter)
        assert claim["reason"] == reason
        assert claim["lighter"] == lighter_came
        if found is None:
            assert claim["item"] is None
        else:
            self.take(who, claim["item"], found, lighter=lighter)

    @rule(who=people, lighter=st.sampled_from([False, False, True]), times=st.integers(1, 6), minutes=st.integers(1, 5))
    def work(self, who: str, lighter: bool, times: int, minutes: int) -> None:
        """Somebody does one thing after the other."""
        for _ in range(times):
            self.claim(who, lighter)
            self.clock.move(minutes=minutes)
            self.audit(who, None, 1)

    @rule(lighter=st.booleans())
    def claim_at_once(self, lighter: bool) -> None:
        """Everybody asks at once: each gets something else, and what they may have."""

        async def together() -> list[httpx.Response]:
            asking = [self.ask(self.clients[who], "POST", "sample-item-claims", json={"lighter": lighter}) for who in PEOPLE]
            return await asyncio.gather(*asking)

        for who in PEOPLE:  # so that nobody's lease ends while others look
            held = self.in_hand(who)
            if held is not None and held["lease_until"] <= self.clock.now:
                self.sweep()
        for who, answer in zip(PEOPLE, self.run(together()), strict=True):
            shown = answer.json().get("item")
            if shown is not None and self.in_hand(who) is None:
                self.take(who, shown, None, lighter=lighter)

    def in_hand(self, who: str) -> Row | None:
        """The item that somebody has."""
        return next((item for item in self.items.values() if item["state"] == "claimed" and item["claimed_by"] == who), None)

    def may(self, who: str, item: Row) -> bool:
        """Skills and conflicts."""
        skills, conflicts = self.people[who].skills, self.people[who].skills["conflicts"]
        return (
            (not skills["languages"] or item["language"] in skills["languages"])
            and (not skills["policies"] or item["policy"] in skills["policies"])
            and item["moderator"] not in {who, *conflicts.get("moderators", [])}
            and f"{item['vendor']}/{item['site']}" not in conflicts.get("sites", [])
            and item["vendor"] not in conflicts.get("vendors", [])
            and who not in item["passed_by"]
        )

    def room(self, who: str) -> list[tuple[float, str]]:
        """The dose that each cap leaves room for, tightest first."""
        today = self.local(self.clock.now)
        week = today - timedelta(days=today.weekday())
        spent = [(self.local(entry.began), entry.dose) for entry in self.people[who].ledger]
        rooms = [
            (self.caps[cap] - sum(dose for day, dose in spent if day >= since), reason)
            for cap, since, reason in (("weekly_cap", week, "week_is_full"), ("daily_cap", today, "day_is_full"))
            if cap in self.caps
        ]
        return sorted(((max(room, 0), reason) for room, reason in rooms), key=lambda room: room[0])

    def local(self, moment: datetime) -> date:
        """The day of the programme."""
        return moment.astimezone(ZoneInfo("Europe/Berlin")).date()

    def unbroken(self, who: str) -> Iterator[Looked]:
        """What somebody has looked at without a pause, newest first."""
        begin = self.clock.now
        for entry in sorted(self.people[who].ledger, key=lambda entry: entry.began, reverse=True):
            if begin - entry.until(self.clock.now) >= BREAK:
                return
            yield entry
            begin = entry.began

    def heavy_may(self, who: str) -> bool:
        """Whether rotation and cool-down let something heavy come."""
        now, row = self.clock.now, list(self.unbroken(who))[: self.in_a_row]
        heavy = [entry.until(now) for entry in self.people[who].ledger if entry.harm >= HEAVY]
        cooling = bool(heavy) and now < max(heavy) + COOL_DOWN
        return not cooling and (len(row) < self.in_a_row or any(entry.harm < HEAVY for entry in row))

    def protected(self, who: str, item: Row, *, lighter: bool, capped: bool = True) -> bool:
        """Whether nothing keeps an item from somebody for their own good."""
        room = min((room for room, _ in self.room(who)), default=float("inf")) if capped else float("inf")
        return (
            item["policy"] not in self.people[who].opted_out
            and (item["harm"] < HEAVY or (not lighter and self.heavy_may(who)))
            and item["harm"] * EXPECTED_S / 60 <= room + 1e-6
        )

    def expected(self, who: str, *, lighter: bool) -> tuple[str | None, Row | None, bool]:
        """Why somebody gets nothing, or what they get, and whether something was left out for it."""
        person, now = self.people[who], self.clock.now
        today = self.local(now).isoformat()
        if any(each["first_day"] <= today <= each["last_day"] for each in person.skills["absences"]):
            return "away", None, False
        if person.break_until > now:
            return "on_a_break", None, False
        if (unbroken := list(self.unbroken(who))) and now - unbroken[-1].began >= BREAK_AFTER:
            return "break_is_due", None, False
        waiting = [item for item in self.items.values() if item["state"] == "waiting"]
        mine = sorted((item for item in waiting if self.may(who, item)), key=lambda item: [item[name] for name in ORDER])
        for place, item in enumerate(mine):
            if self.protected(who, item, lighter=lighter):
                return None, item, place > 0
        if any(self.protected(who, item, lighter=lighter, capped=False) for item in mine):
            return self.room(who)[0][1], None, False
        return ("nothing_fits" if waiting else "nothing_waits"), None, False

    def take(self, who: str, shown: Row, found: Row | None, *, lighter: bool) -> None:
        """Somebody was handed an item: a drawn one that waited, or a check."""
        assert set(shown) == set(SampleItem.model_fields)
        assert [shown[name] for name in BLIND] == [None] * len(BLIND)
        assert (shown["handed_back"], shown["claimed_by"], shown["audited_by"]) == ([], who, None)
        if shown["id"] not in self.items:
            self.meet(shown["id"], found)
        elif found is not None:
            assert shown["id"] == str(found["id"])
        item = self.items[shown["id"]]
        assert item["state"] == "waiting"
        assert self.may(who, item)
        assert self.protected(who, item, lighter=lighter)
        if item["kind"] == "repeat":
            assert self.items[str(item["origin_id"])]["audited_by"] not in {None, who}
        item |= {"state": "claimed", "claimed_by": who, "claimed_at": self.clock.now, "lease_until": self.clock.now + LEASE}
        self.people[who].ledger.append(Looked(shown["id"], self.clock.now, item["harm"]))

    def meet(self, item_id: str, found: Row | None) -> None:
        """A repeat is made: of an item of the programme, once, and like the drawn item in whose place it comes."""
        [record] = self.run(self.store.fetch("select * from sample_items where id = $1", item_id))
        row = dict(record)
        origin = self.items[str(row["origin_id"])]
        assert row["kind"] == "repeat"
        assert self.may_repeat(origin)
        assert found is None or [row[name] for name in ORDER[:3]] == [found[name] for name in ORDER[:3]]
        facts = {name: origin[name] for name in ("language", "policy", "vendor", "site", "moderator", "harm")}
        assert {name: row[name] for name in facts} == facts
        self.items[item_id] = row | {"state": "waiting", "passed_by": set(origin["passed_by"]), "audited_by": None}

    def may_repeat(self, origin: Row) -> bool:
        """Whether an item was drawn, audited and not repeated."""
        repeated = any(item["origin_id"] == origin["id"] and item["kind"] == "repeat" for item in self.items.values())
        return bool(origin["kind"] == "sampled" and origin["state"] == "audited" and not repeated)

    def let_go(self, who: str, held: Row) -> None:
        """The time for an item ran out."""
        self.settle(who, held, held["lease_until"], None)
        self.leave(held, "waiting" if held["kind"] == "sampled" else "void")

    def settle(self, who: str, held: Row, until: datetime, told: int | None) -> None:
        """The time that it took takes the place of what was expected."""
        span = min(round((until - held["claimed_at"]).total_seconds()), 86_400)
        [entry] = [each for each in self.people[who].ledger if each.item == str(held["id"]) and each.ended is None]
        entry.ended, entry.seconds = until, span if told is None else min(span, max(told, EXPECTED_S))

    def leave(self, held: Row, state: str) -> None:
        """Nobody has it any more."""
        held |= {"state": state, "claimed_by": None, "claimed_at": None, "lease_until": None}

    @rule(who=people, told=st.sampled_from([None, 0, 300]), times=st.integers(1, 2))
    def audit(self, who: str, told: int | None, times: int) -> None:
        """Somebody judges what they have in hand, and asks again as after a lost answer; the others cannot."""
        held = self.in_hand(who)
        if held is None:
            return
        path = f"sample-items/{held['id']}/audit"
        body: Row = {"judgement": CORRECT}
        body |= {} if told is None else {"handling_time_s": told}
        for other in set(PEOPLE) - {who}:
            assert self.asks(other, "POST", path, json=body).status_code == 404
        for _ in range(times):
            answer = self.asks(who, "POST", path, json=body, headers={"Idempotency-Key": str(held["id"])})
            assert (answer.status_code, answer.json()["state"]) == (200, "audited"), answer.text
        assert self.asks(who, "POST", path, json=body).status_code == 409
        self.settle(who, held, self.clock.now, told)
        held |= {"state": "audited", "audited_by": who, "lease_until": None}
        self.audits[str(held["id"])] = who

    @rule(who=people, reason=st.sampled_from(["skill", "wellbeing", "unavailable"]), times=st.integers(1, 2))
    def hand_back(self, who: str, reason: str, times: int) -> None:
        """Somebody gives back what they have in hand, and asks again as after a lost answer."""
        held = self.in_hand(who)
        if held is None:
            return
        path, key = f"sample-items/{held['id']}/hand-back", {"If-Match": "*", "Idempotency-Key": str(new_id())}
        answers = [self.asks(who, "POST", path, json={"reason": reason}, headers=key) for _ in range(times)]
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1
        assert answers[0].json()["state"] == ("void" if reason == "unavailable" else "waiting")
        self.settle(who, held, self.clock.now, None)
        self.leave(held, "void" if reason == "unavailable" or held["kind"] != "sampled" else "waiting")
        held["passed_by"].add(who)

    @rule(who=people)
    def renew(self, who: str) -> None:
        """Somebody needs longer."""
        held = self.in_hand(who)
        if held is not None:
            path = f"sample-items/{held['id']}/renewal"
            assert self.asks(who, "POST", path, headers={"If-Match": "*"}).status_code == 200
            held["lease_until"] = self.clock.now + LEASE

    @invariant()
    def items_stand_as_the_model_says(self) -> None:
        """Each in one hand at most, none that nobody was handed, and every audit that was acknowledged there once."""
        rows = self.run(self.store.fetch("select * from sample_items where programme = $1", self.programme))
        found = {str(row["id"]): (row["state"], row["lease_until"], row["audited_by"]) for row in rows}
        hands = [row["claimed_by"] for row in rows if row["state"] == "claimed"]
        audits = self.run(self.store.fetch("select * from audits where programme = $1", self.programme))
        told = [(row["external_id"], row["auditor"], row["checking"]) for row in audits]
        known = [(item, who, self.items[item]["kind"] != "sampled") for item, who in self.audits.items()]

        assert found == {key: (each["state"], each["lease_until"], each["audited_by"]) for key, each in self.items.items()}
        assert len(hands) == len(set(hands))
        assert sorted(told) == sorted(known)

    @invariant()
    def ledgers_say_what_was_handed_out_and_settled(self) -> None:
        """Entry by entry."""
        rows = self.run(self.store.fetch("select * from exposures where programme = $1", self.programme))
        entries = [
            (row["auditor"], str(row["item_id"]), row["began_at"], row["ended_at"], row["seconds"], round(row["dose"], 6))
            for row in rows
        ]
        known = [
            (name, entry.item, entry.began, entry.ended, entry.seconds, round(entry.dose, 6))
            for name, person in self.people.items()
            for entry in person.ledger
        ]
        assert sorted(entries, key=repr) == sorted(known, key=repr)
