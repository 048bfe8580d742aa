"""Two programmes with two vendors each, with something of everything in them, and the callers who look at it.

Everything carries a canary: a word that says whose it is. What a caller reads must hold no canary of others.
"""

import json
import re
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson
from fastapi import FastAPI

from actions import EFFECT
from appeals import moved_by_hand
from calibration import Facilitator, session_document
from cases import brought
from factories import audit_row, decision_row, missed, programme_document
from items import hand_out
from rca_api.cases.records import get_case
from rca_api.evidence.records import Gathered
from rca_api.evidence.records import keep as keep_evidence
from reporting_api.metrics.numbers import counted
from reporting_api.projection.worker import SERVICE, rebuild
from reporting_api.settings import ReportingSettings
from reporting_api.signals.detection import read_ground
from reporting_api.signals.findings import Finding, signal_id
from reporting_api.signals.records import keep
from sampling import drawn, next_monday, plan_document, some_decisions
from tallystick.identity import SERVICE_ISSUER, sign, sign_token
from tallystick.schemas.base import new_id
from tallystick.schemas.case import Audience
from tallystick.schemas.evidence import CaseEvidenceKind
from tallystick.schemas.metric import Measure, MetricFilter
from tallystick.schemas.principal import VENDOR_ROLES, Role
from tallystick.schemas.signal import Detector, SignalState
from tallystick.service.database import Database

SITES = {"acme": "lisbon", "borealis": "krakow"}
STATES = {"draft": (), "scoring": ("opening",), "review": ("opening", "review"), "concluded": ("opening", "review", "conclusion")}
"""The states of a calibration session, and the steps that lead there."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FORM_TOKEN = re.compile(r'name="form_token" value="[^"]+"')
_DIGEST = re.compile(r"\b[0-9a-f]{16}\b")
_LAG = re.compile(r'"lag_s": [\d.]+|<strong>[\d,]+ seconds behind</strong>|up to date')
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)|\d\d:\d\d:\d\d UTC")


@dataclass(frozen=True)
class Actor:
    """A caller: a role, in one programme or all, for a vendor or the client."""

    role: Role
    programmes: tuple[str, ...]
    vendor: str | None = None
    subject: str = "someone"

    def __str__(self) -> str:
        return f"{self.role} of {self.vendor or 'the client'} in {', '.join(self.programmes)}"


@dataclass(frozen=True)
class Target:
    """What a request is about: a programme, a vendor in it, and the ids of its things."""

    programme: str
    vendor: str | None
    audit_id: str = field(default_factory=lambda: str(uuid4()))
    batch_id: str = field(default_factory=lambda: str(uuid4()))
    decision_batch_id: str = field(default_factory=lambda: str(uuid4()))
    source: str = field(default_factory=lambda: str(uuid4()))
    case_id: str = field(default_factory=lambda: str(uuid4()))
    why_id: str = field(default_factory=lambda: str(uuid4()))
    cause_id: str = field(default_factory=lambda: str(uuid4()))
    link_id: str = field(default_factory=lambda: str(uuid4()))
    action_id: str = field(default_factory=lambda: str(uuid4()))
    notice_id: str = field(default_factory=lambda: str(uuid4()))
    coaching_id: str = field(default_factory=lambda: str(uuid4()))
    held_coaching_id: str = field(default_factory=lambda: str(uuid4()))
    objective_id: str = field(default_factory=lambda: str(uuid4()))
    rca_endpoint_id: str = field(default_factory=lambda: str(uuid4()))
    rca_delivery_id: str = field(default_factory=lambda: str(uuid4()))
    other_case_id: str = field(default_factory=lambda: str(uuid4()))
    """To which the case is linked."""
    sessions: Mapping[str, str] = field(default_factory=lambda: {state: str(uuid4()) for state in STATES})
    """A calibration session in each state."""
    endpoint_id: str = field(default_factory=lambda: str(uuid4()))
    delivery_id: str = field(default_factory=lambda: str(uuid4()))
    appeal_id: str = field(default_factory=lambda: str(uuid4()))
    signal_id: str = field(default_factory=lambda: str(uuid4()))
    plan_id: str = field(default_factory=lambda: str(uuid4()))
    """A sampling plan that is not published."""
    draw_id: str = field(default_factory=lambda: str(uuid4()))
    """A draw that was made."""
    item_id: str = field(default_factory=lambda: str(uuid4()))
    """In the hand of the client's someone."""
    auditor: str = "someone"
    staffing_id: str = field(default_factory=lambda: str(uuid4()))
    """A staffing plan."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its things."""
        own = (self.audit_id, self.batch_id, self.endpoint_id, self.delivery_id, self.appeal_id, self.signal_id, self.item_id)
        of_case = (self.case_id, self.why_id, self.cause_id, self.link_id, self.other_case_id, self.action_id, self.notice_id)
        of_rca = (self.coaching_id, self.held_coaching_id, self.objective_id, self.rca_endpoint_id, self.rca_delivery_id)
        of_sampling = (self.plan_id, self.draw_id, self.decision_batch_id, self.source, self.staffing_id)
        return *own, *of_case, *of_rca, *of_sampling, *self.sessions.values()

    def row(self, external_id: str = "") -> dict[str, Any]:
        """A further audit of this vendor; of some vendor, where the client keeps these things to itself."""
        vendor = self.vendor or "borealis"
        return audit_row(external_id or str(uuid4()), vendor=vendor, site=SITES.get(vendor, "nowhere"))

    def decision(self, **changes: Any) -> dict[str, Any]:
        """A decision of this vendor."""
        vendor = self.vendor or "borealis"
        return decision_row(str(uuid4()), vendor=vendor, site=SITES.get(vendor, "nowhere"), **changes)


@dataclass(frozen=True)
class Answer:
    """An answer without what differs from request to request: ids, times, and the words that the request itself brought."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass
class World:
    """The apps, the programmes and what is in them."""

    apps: Mapping[str, FastAPI]
    identity: Path
    admin_urls: Mapping[str, str]
    own: str = field(default_factory=lambda: f"own-{new_id().hex[-12:]}")
    foreign: str = field(default_factory=lambda: f"foreign-{new_id().hex[-12:]}")
    things: dict[tuple[str, str | None], Target] = field(default_factory=dict)
    clients: dict[tuple[Actor, str], httpx.AsyncClient] = field(default_factory=dict)

    def actors(self) -> list[Actor]:
        """Every role in the own programme alone; vendors' people and systems for acme."""
        vendors = [Actor(role, (self.own,), "acme", "someone-of-acme") for role in sorted(VENDOR_ROLES)]
        return [*(Actor(role, (self.own,)) for role in Role if role not in VENDOR_ROLES), *vendors]

    def strangers(self) -> list[Actor]:
        """People and systems of a vendor that no programme names, though their tokens would let them enter all."""
        return [Actor(role, ("*",), "northwind") for role in sorted(VENDOR_ROLES)]

    def client(self, app: str, actor: Actor) -> httpx.AsyncClient:
        """A client of an app that speaks for an actor."""
        if (actor, app) not in self.clients:
            self.clients[actor, app] = httpx.AsyncClient(
                transport=httpx.ASGITransport(self.apps[app], raise_app_exceptions=False),
                base_url="http://test",
                headers={"Authorization": f"Bearer {self.token(actor)}"},
            )
        return self.clients[actor, app]

    def token(self, actor: Actor) -> str:
        """A token for an actor, from the issuer whose business it is."""
        ttl = timedelta(minutes=30)
        if actor.role is Role.SERVICE:
            key = json.loads((self.identity / "service.jwk").read_text())
            claims = {"sub": actor.subject, "roles": [actor.role], "programmes": list(actor.programmes)}
            return sign(key, SERVICE_ISSUER, claims, ttl)
        return sign_token(
            self.identity, subject=actor.subject, roles=[actor.role], programmes=actor.programmes, vendor=actor.vendor, ttl=ttl
        )

    def secrets_from(self, actor: Actor) -> set[str]:
        """The canaries and ids of everything that an actor must not read."""
        hidden: set[str] = set()
        for (programme, vendor), target in self.things.items():
            entered = programme in actor.programmes or ("*" in actor.programmes and actor.vendor != "northwind")
            if not entered:
                hidden |= {programme, canary(programme, "name")}
            if not entered or actor.vendor not in {None, vendor}:
                hidden |= {canary(programme, vendor), *target.ids}
        return hidden

    async def seed(self, reporting: ReportingSettings) -> None:
        """Fill both programmes and project them."""
        admin = Actor(Role.ADMIN, ("*",))
        audit, rca = (self.client(app, admin) for app in ("audit", "rca"))
        for programme in (self.own, self.foreign):
            document = world_document(programme)
            (await audit.put(f"/v1/programmes/{programme}", json=document | {"name": "First"})).raise_for_status()
            await _done(audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'}))
            for auditor in ("someone", "somebody"):
                auditing = {"name": canary(programme, None)}
                await _done(audit.put(f"/v1/auditors/{auditor}", params={"programme": programme}, json=auditing))
            for vendor in ("acme", "borealis", None):
                self.things[programme, vendor] = await self._fill(programme, vendor, rca)
            await rebuild(reporting, programme)
            await self._signal(reporting, programme)

    async def _signal(self, reporting: ReportingSettings, programme: str) -> None:
        """Two signals for each vendor, and two for the client alone, as a detector would find them."""
        found = {vendor: [_finding(programme, vendor, since) for since in (1, 2)] for vendor in ("acme", "borealis", None)}
        database = Database(reporting.database_url.get_secret_value(), 1)
        async with database.writing(SERVICE) as session:
            ground = await read_ground(session, programme, datetime.now(UTC))
            assert ground is not None
            await keep(session, ground, [each for findings in found.values() for each in findings], frozenset(), "1")
        await database.close()
        for vendor, findings in found.items():
            signal = str(signal_id(programme, findings[0].key))
            self.things[programme, vendor] = replace(self.things[programme, vendor], signal_id=signal)

    async def _fill(self, programme: str, vendor: str | None, rca: httpx.AsyncClient) -> Target:
        where = {"programme": programme}
        mark = canary(programme, vendor)
        pusher = Actor(Role.VENDOR_SYSTEM, (programme,), vendor) if vendor else Actor(Role.QUALITY_MANAGER, (programme,))
        marked = {"vendor": vendor or "borealis", "site": SITES[vendor or "borealis"], "moderator": mark, "comment": mark}
        rows = [make(f"{number}-{vendor}", **marked) for number, make in enumerate((audit_row, missed))]
        rows.append(rows[0] | {"external_id": f"bad-{mark}", "queue": "unknown"})
        pushed = await _done(self.client("audit", pusher).post("/v1/audit-batches", params=where, json=rows))
        audit_id = pushed["results"][0]["audit_id"]
        manager = self.client("audit", Actor(Role.QUALITY_MANAGER, (programme,)))
        in_case = await self._open_cases(programme, vendor, rca)
        about_case = Target(programme, vendor, audit_id, case_id=in_case["case_id"])
        in_case |= await self._act(about_case, mark) | await self._coach(about_case, mark)
        sessions = await self._calibrate(Target(programme, vendor, audit_id))
        for _ in range(2):
            endpoint_id = await self._endpoint(programme, vendor)
        poc = self.client("audit", self._manager(programme, vendor))
        for _ in range(2):
            delivery = await _done(poc.post(f"/v1/webhook-endpoints/{endpoint_id}/test", params=where))
        counterpart = self.client("rca", self._manager(programme, vendor))
        for _ in range(2):
            in_case["rca_endpoint_id"] = await self._endpoint(programme, vendor, "rca", "action.escalated")
        for _ in range(2):
            test = f"/v1/webhook-endpoints/{in_case['rca_endpoint_id']}/test"
            in_case["rca_delivery_id"] = (await _done(counterpart.post(test, params=where)))["id"]
        sampled = await self._sample(programme, vendor)
        source, decisions = await self._decide(Target(programme, vendor), pusher, mark)
        target = Target(
            programme,
            vendor,
            audit_id,
            pushed["id"],
            decisions,
            source,
            plan_id=await self._plan(programme, vendor),
            draw_id=sampled,
            staffing_id=await self._staff(programme),
            sessions=sessions,
            endpoint_id=endpoint_id,
            delivery_id=delivery["id"],
            item_id=await self._item(programme, vendor),
            **in_case,
        )
        if vendor is not None:
            poc = self.client("audit", Actor(Role.VENDOR_POC, (programme,), vendor))
            raised = [appeal_of(row["audit_id"], comment=mark) for row in pushed["results"][:2]]
            appeals = [await _done(poc.post("/v1/appeals", params=where, json=each)) for each in raised]
            target = replace(target, appeal_id=appeals[0]["id"])
        await _done(
            manager.post(
                f"/v1/audits/{audit_id}/revisions",
                params=where,
                json={"judgement": judgement(mark), "reason": mark},
                headers={"If-Match": '"1"'},
            )
        )
        return target

    async def _plan(self, programme: str, vendor: str | None) -> str:
        """A sampling plan about the decisions of a vendor, drafted."""
        manager = self.client("audit", Actor(Role.QUALITY_MANAGER, (programme,)))
        new = marked_plan(programme, vendor)
        return str((await _done(manager.post("/v1/sampling-plans", params={"programme": programme}, json=new)))["id"])

    async def _staff(self, programme: str) -> str:
        """A staffing plan for a week."""
        manager = self.client("audit", Actor(Role.QUALITY_MANAGER, (programme,)))
        week = {"first_day": "2026-11-30", "last_day": "2026-12-04"}
        return str((await _done(manager.post("/v1/staffing-plans", params={"programme": programme}, json=week)))["id"])

    async def _sample(self, programme: str, vendor: str | None) -> str:
        """A draw of decisions of a vendor in lots that was made three weeks ago, and those of the weeks to come, committed."""
        app, manager = self.apps["audit"], self.client("audit", Actor(Role.QUALITY_MANAGER, (programme,)))
        with moved_by_hand(app) as clock:
            clock.move(days=-28)
            mark, first = canary(programme, vendor), next_monday(clock)
            marked = {"vendor": vendor or "borealis", "site": SITES[vendor or "borealis"], "moderator": mark}
            rows = [each | marked for each in some_decisions(first, 4)]
            in_lots = {"strata": ["queue", "moderator"], "allocation": {"kind": "acceptance", "aql": 1.0}}
            plan = marked_plan(programme, vendor) | {"starts_on": first.isoformat(), **in_lots}
            return str((await drawn(app, manager, clock, programme, rows, **plan)).draw["id"])

    async def _item(self, programme: str, vendor: str | None) -> str:
        """An item in the hand of the client's someone, of a decision of the vendor."""
        of_vendor = {"vendor": vendor or "borealis", "site": SITES[vendor or "borealis"]}
        return await hand_out(self.apps["audit"], programme, "someone", content_ref=canary(programme, vendor), **of_vendor)

    async def _decide(self, target: Target, pusher: Actor, mark: str) -> tuple[str, str]:
        """Two sources of decisions, each with a batch of which a line is rejected; answers the second."""
        day = "2026-09-01T08:00:00Z" if target.vendor else "2026-09-02T08:00:00Z"
        rows = [target.decision(moderator=mark, decided_at=day), target.decision(queue="unknown", content_ref=mark)]
        for source in (str(uuid4()), str(uuid4())):
            batch = await _done(
                self.client("audit", pusher).post(
                    "/v1/decision-batches",
                    params={"programme": target.programme, "source": source},
                    content=b"\n".join(map(orjson.dumps, rows)),
                    headers={"Content-Type": "application/x-ndjson"},
                )
            )
        return source, batch["id"]

    async def _open_cases(self, programme: str, vendor: str | None, rca: httpx.AsyncClient) -> dict[str, str]:
        """Two cases, linked, the second with a conversation, whys and causes for the vendor and for the client alone."""
        where, mark, internal = {"programme": programme}, canary(programme, vendor), canary(programme, None)
        new = [{"vendor": vendor, "title": title} for title in (mark, f"{mark} again")]
        cases = [await _done(rca.post("/v1/cases", params=where, json=each)) for each in new]
        address = f"/v1/cases/{cases[1]['id']}"
        for audience, text in (("vendor", mark), ("internal", internal)):
            for _ in range(2):
                await _done(rca.post(f"{address}/messages", params=where, json={"audience": audience, "text": text}))
        await self._explain(rca, address, where, internal, "internal")
        poc = self.client("rca", self._manager(programme, vendor))
        explained = await self._explain(poc, address, where, mark)
        await self._gather(programme, cases[1]["id"], mark, internal)
        link = await _done(rca.post(f"{address}/links", params=where, json={"to": cases[0]["id"]}))
        return {"case_id": cases[1]["id"], "other_case_id": cases[0]["id"], "link_id": link["id"], **explained}

    async def _gather(self, programme: str, case_id: str, mark: str, internal: str) -> None:
        """Evidence of a case for its vendor and for the client alone, as it is kept once it was asked for."""
        marks = {Audience.INTERNAL: internal, Audience.VENDOR: mark}
        pieces = [Gathered(CaseEvidenceKind.EXAMPLES, audience, {"items": [_example(text)]}) for audience, text in marks.items()]
        async with self.apps["rca"].state.database.writing(SERVICE) as session:
            case = await get_case(session, programme, UUID(case_id))
            await keep_evidence(session, case, pieces, datetime.now(UTC))

    async def _act(self, target: Target, text: str) -> dict[str, Any]:
        """Actions and a plan about a case, and what was told of them."""
        where, rca = {"programme": target.programme}, self.client("rca", Actor(Role.ADMIN, ("*",)))
        address = f"/v1/cases/{target.case_id}"
        actions = [await _done(rca.post(f"{address}/actions", params=where, json=an_action(target, text))) for _ in range(2)]
        for headers in ({}, {"If-Match": "*"}, {"If-Match": "*"}):
            await _done(rca.put(f"{address}/plan", params=where, json=EFFECT | {"scope": {}}, headers=headers))
        asked = where | {"case_id": target.case_id, "kind": "action.assigned"}
        told = await _done(rca.get("/v1/notices", params=asked))
        return {"action_id": actions[0]["id"], "notice_id": told["items"][0]["id"]}

    async def _coach(self, target: Target, text: str) -> dict[str, Any]:
        """Coaching about a case, held and not, and objectives."""
        where, rca = {"programme": target.programme}, self.client("rca", Actor(Role.ADMIN, ("*",)))
        coaching = [await _done(rca.post("/v1/coaching-sessions", params=where, json=a_session(target, text))) for _ in range(2)]
        held = f"/v1/coaching-sessions/{coaching[1]['id']}/notes"
        await _done(rca.post(held, params=where, json={"notes": text}, headers={"If-Match": "*"}))
        objectives = [await _done(rca.post("/v1/objectives", params=where, json=an_objective(target, text))) for _ in range(2)]
        return {
            "coaching_id": coaching[0]["id"],
            "held_coaching_id": coaching[1]["id"],
            "objective_id": objectives[0]["id"],
        }

    async def _explain(
        self, client: httpx.AsyncClient, address: str, where: dict[str, str], text: str, audience: str = "vendor"
    ) -> dict[str, str]:
        """A why and a cause of a case, in somebody's words."""
        why = await _done(client.post(f"{address}/whys", params=where, json={"audience": audience, "text": text}))
        new = {"audience": audience, "text": text, "code": "other", "evidence": [{"reference": text}]}
        cause = await _done(client.post(f"{address}/causes", params=where, json=new))
        return {"why_id": why["id"], "cause_id": cause["id"]}

    async def _calibrate(self, target: Target, states: Iterable[str] = STATES) -> dict[str, str]:
        """A calibration session in each of some states, with the client's someone and the vendor's as raters of its audit."""
        facilitator = Facilitator(self.client("audit", Actor(Role.QUALITY_MANAGER, (target.programme,))), target.programme)
        mark = canary(target.programme, target.vendor)
        raters = [("someone", None), *([(f"someone-of-{target.vendor}", target.vendor)] if target.vendor else [])]
        items = [{"audit_id": target.audit_id}, {"content_ref": mark}]
        sessions: dict[str, str] = {}
        for state in states:
            sessions[state] = await facilitator.draft(items, **session_document(*raters, title=mark))
            for step in STATES[state]:
                if step == "conclusion":
                    await _done(facilitator.benchmark(sessions[state], 2, "keep", discussion=mark))
                await _done(facilitator.move(sessions[state], step, {"conclusion": mark} if step == "conclusion" else None))
        return sessions

    def _manager(self, programme: str, vendor: str | None) -> Actor:
        """Who looks after the things of a vendor, or of the client."""
        return Actor(Role.VENDOR_POC if vendor else Role.QUALITY_MANAGER, (programme,), vendor)

    async def _endpoint(self, programme: str, vendor: str | None, app: str = "audit", event: str = "appeal.decided") -> str:
        mark = canary(programme, vendor)
        new = {"name": mark, "url": f"https://hooks.example/{mark}", "events": [event]}
        manager = self.client(app, self._manager(programme, vendor))
        created = await _done(manager.post("/v1/webhook-endpoints", params={"programme": programme}, json=new))
        return str(created["endpoint"]["id"])

    async def fresh(self, target: Target, named: frozenset[str], state: str) -> Target:
        """The same with things of its own for what can be done only once: those that an address names, or an audit.

        Args:
            target: whose programme and vendor they are of.
            named: the names of ids, such as `case_id`.
            state: of the calibration session.
        """
        if named & {"case_id", "action_id"}:
            target = await self._fresh_case(target)
        if named & {"coaching_id", "objective_id"}:
            target = replace(target, **await self._coach(target, "To be done"))
        if "endpoint_id" in named:
            of_rca = await self._endpoint(target.programme, target.vendor, "rca", "action.escalated")
            of_audit = await self._endpoint(target.programme, target.vendor)
            target = replace(target, endpoint_id=of_audit, rca_endpoint_id=of_rca)
        if "session_id" in named:
            target = replace(target, sessions={**target.sessions, **await self._calibrate(target, [state])})
        if "plan_id" in named:
            target = replace(target, plan_id=await self._plan(target.programme, target.vendor))
        if "item_id" in named:
            target = replace(target, item_id=await self._item(target.programme, target.vendor))
        if "audit_id" in named or not named:
            client = self.client("audit", Actor(Role.ADMIN, ("*",)))
            audit = await _done(client.post("/v1/audits", params={"programme": target.programme}, json=target.row()))
            target = replace(target, audit_id=audit["id"])
        return target

    async def _fresh_case(self, target: Target) -> Target:
        """The same with a case that is ready for its plan, a why, a cause, a plan and actions that were begun."""
        where, rca = {"programme": target.programme}, self.client("rca", Actor(Role.ADMIN, ("*",)))
        case = await _done(rca.post("/v1/cases", params=where, json={"vendor": target.vendor, "title": "To be closed"}))
        address = f"/v1/cases/{case['id']}"
        poc = self.client("rca", self._manager(target.programme, target.vendor))
        explained = await self._explain(poc, address, where, "Because")
        await brought(rca, case)
        fresh = replace(target, case_id=case["id"], why_id=explained["why_id"], cause_id=explained["cause_id"])
        fresh = replace(fresh, **await self._act(fresh, "To be done"))
        await _done(rca.post(f"{address}/steps", params=where, json={"step": "start"}, headers={"If-Match": "*"}))
        return fresh

    async def fresh_appeal(self, target: Target, state: str, adjudicator: Actor) -> Target:
        """The same with an appeal of its own, in a state to which the adjudicator has brought it."""
        where = {"programme": target.programme}
        recorder = self.client("audit", Actor(Role.ADMIN, ("*",), subject="recorder"))
        poc = self.client("audit", Actor(Role.VENDOR_POC, ("*",), target.vendor))
        audit = await _done(recorder.post("/v1/audits", params=where, json=target.row()))
        appeal = await _done(poc.post("/v1/appeals", params=where, json=appeal_of(audit["id"])))
        if state != "submitted":
            judge = self.client("audit", adjudicator)
            claimed: dict[str, Any] = {}
            while claimed.get("id") != appeal["id"]:  # those that were released before come first
                claimed = await _done(judge.post("/v1/appeal-claims", params=where))
        if state == "upheld":
            decision = {"outcome": "upheld", "reason": "So it is"}
            address = f"/v1/appeals/{appeal['id']}/decision"
            await _done(judge.post(address, params=where, json=decision, headers={"If-Match": "*"}))
        return replace(target, audit_id=audit["id"], appeal_id=appeal["id"])

    async def fingerprint(self, kept_from: Actor) -> str:
        """A digest of all rows in all databases that are none of an actor's business."""
        digests: list[str] = []
        for url in self.admin_urls.values():
            connection = await asyncpg.connect(url)
            try:
                for table, by_vendor in await tables(connection):
                    rule = "programme = $1"
                    values = [self.foreign]
                    if by_vendor and kept_from.vendor is not None:
                        rule += " or (programme = $2 and vendor is distinct from $3)"
                        values += [self.own, kept_from.vendor]
                    rows = f"select md5(coalesce(string_agg(t::text, '' order by t::text), '')) from {table} t where {rule}"
                    digests.append(await connection.fetchval(rows, *values))
            finally:
                await connection.close()
        return " ".join(digests)

    async def close(self) -> None:
        """Close the clients."""
        for client in self.clients.values():
            await client.aclose()


def _example(mark: str) -> dict[str, str]:
    """An audit to read."""
    named = ("id", "vendor", "site", "queue", "market", "language", "policy", "error_class", "error_code", "severity")
    return {**dict.fromkeys(named, mark), "audited_at": "2026-09-21T10:00:00Z"}


def canary(programme: str, owner: str | None) -> str:
    """The word that marks what belongs to a vendor, or to the client alone (None), in a programme."""
    return f"canary-{owner or 'internal'}-of-{programme}"


def marked_plan(programme: str, vendor: str | None) -> dict[str, Any]:
    """A sampling plan about a vendor, of which nobody else may learn."""
    return plan_document(date(2026, 11, 2), title=canary(programme, vendor), scope={"vendor": [vendor or "borealis"]})


def an_action(target: Target, text: str = "Do it") -> dict[str, Any]:
    """An action that any case takes, of somebody of its vendor or of the client."""
    owner = f"someone-of-{target.vendor}" if target.vendor else "someone else"
    return {"kind": "corrective", "title": text, "description": text, "owner": owner, "owner_vendor": target.vendor}


def a_session(target: Target, text: str = "Satire") -> dict[str, Any]:
    """A coaching session of somebody of the vendor's, or of the client's own."""
    whose = {"person": text, "vendor": target.vendor} if target.vendor else {"person": text, "subject": "someone"}
    return whose | {"title": text, "case_id": target.case_id, "planned_for": "2026-10-01T10:00:00Z"}


def an_objective(target: Target, text: str = "Better") -> dict[str, Any]:
    """An objective of somebody of the vendor's, or of the client's own."""
    whose = {"of": "moderator", "vendor": target.vendor} if target.vendor else {"of": "auditor"}
    return whose | {"name": text, "title": text, "target": 0.95, "period": EFFECT["baseline"]}


def world_document(programme: str) -> dict[str, Any]:
    """A programme's document, marked."""
    vendors = [{"slug": vendor, "name": canary(programme, vendor), "sites": [site]} for vendor, site in SITES.items()]
    return programme_document(programme, name=canary(programme, "name"), vendors=vendors)


def appeal_of(audit_id: str, comment: str = "Seen otherwise") -> dict[str, Any]:
    """An appeal that any audit can be appealed with."""
    return {"audit_id": audit_id, "ground": "policy_unclear", "comment": comment, "proposed": {"benchmark_policy": "hate"}}


def judgement(comment: str) -> dict[str, Any]:
    """Another judgement of a correct audit."""
    return {
        "benchmark_action": "keep",
        "benchmark_policy": "no_violation",
        "verdict": "incorrect",
        "error_class": "false_positive",
        "error_code": "FP-HARASS",
        "severity": "minor",
        "comment": comment,
    }


def _finding(programme: str, vendor: str | None, day: int) -> Finding:
    return Finding(
        detector=Detector.CONTROL_CHART,
        rule="one_beyond_limit",
        measure=Measure.ERROR_RATE,
        scope=MetricFilter(vendor=(vendor,) if vendor else ()),
        direction="up",
        since=date(2026, 9, day),
        raised_on=date(2026, 9, 8),
        until=date(2026, 9, 8),
        state=SignalState.ACTIVE,
        strength=5.0,
        observed=counted(7),
        expected=None,
        summary=canary(programme, vendor),
    )


async def tables(connection: asyncpg.Connection) -> list[tuple[str, bool]]:
    """The tables of a database that hold programmes' rows, and whether a row belongs to a vendor."""
    rows = await connection.fetch(
        "select table_name, bool_or(column_name = 'vendor') as by_vendor from information_schema.columns"
        " where table_schema = 'public' group by table_name having bool_or(column_name = 'programme') order by 1"
    )
    return [(row["table_name"], row["by_vendor"]) for row in rows]


def plain(response: httpx.Response, target: Target) -> Answer:
    """An answer without what differs from request to request."""

    def cleaned(text: str) -> str:
        for pattern, word in ((_UUID, "ID"), (_DIGEST, "DIGEST"), (_TIME, "TIME"), (_LAG, "LAG")):
            text = pattern.sub(word, text)
        text = text.replace(target.programme, "PROGRAMME")
        return text if target.vendor is None else text.replace(target.vendor, "VENDOR")

    try:
        document = response.json()
    except ValueError:
        document = _FORM_TOKEN.sub("", response.text)
    if isinstance(document, dict):
        for name in ("request_id", "instance", "cursor", "secret"):
            document.pop(name, None)
    names = ("content-type", "etag", "link", "location", "idempotent-replayed", "retry-after", "www-authenticate")
    headers = {name: cleaned(response.headers[name]) for name in names if name in response.headers}
    return Answer(response.status_code, headers, cleaned(json.dumps(document, sort_keys=True)))


async def _done(request: Awaitable[httpx.Response]) -> Any:
    response = await request
    assert response.is_success, response.text
    return response.json()
