"""Whatever is done to audits and appeals, in whatever order, by whomever and whenever: the service does what the model does.

A Hypothesis rule machine drives audit-api over HTTP, as POCs of two vendors, auditors, adjudicators and quality managers, while
time moves and two replicas sweep. Hypothesis makes its choices in a thread of its own; the requests run in the test's loop.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from appeals import Clock, claim, new_appeal, step, submit
from appeals_model import BEGINNING, JUDGEMENTS, MANAGERS, RULES, Appeal, Audit, Model
from audit_api.appeals.sweeping import sweep
from batches import ids, problem, pushed
from conftest import Caller
from factories import missed, programme_document
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role

Result = TypeVar("Result")

SITES = {"acme": "lisbon", "borealis": "krakow"}
JUDGES = ("judge-1", "judge-2", "judge-3", *sorted(MANAGERS))
PROPOSALS: tuple[dict[str, Any], ...] = (
    {"verdict": "correct"},
    {"severity": "minor"},
    {"severity": "critical"},
    {"verdict": "correct", "severity": "minor"},
)
audits = st.runner().flatmap(lambda machine: st.sampled_from(list(machine.model.audits.values())))
appeals = st.runner().flatmap(lambda machine: st.sampled_from(list(machine.model.appeals.values())))
there_are_appeals = precondition(lambda machine: machine.model.appeals)
vendors = st.sampled_from(sorted(SITES))
judges = st.sampled_from(JUDGES)
named = st.sampled_from(sorted(JUDGEMENTS))


class Appeals(RuleBasedStateMachine):
    """Everything that can be done about appeals. The fixtures of the test are put into its class."""

    loop: asyncio.AbstractEventLoop
    app: FastAPI
    clock: Clock
    clients: dict[str, httpx.AsyncClient]

    def __init__(self) -> None:
        super().__init__()
        self.programme = f"m-{new_id().hex[-16:]}"
        self.clock.now = BEGINNING
        self.model = Model(BEGINNING)
        self.number = 0

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something in the test's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    @initialize()
    def configure(self) -> None:
        """A programme of its own, with a few audits, some of them appealed."""
        document = programme_document(self.programme, **RULES)
        assert self.run(self.clients["manager-1"].put(f"/v1/programmes/{self.programme}", json=document)).status_code == 201
        for vendor, judge in (("acme", "judge-1"), ("borealis", "judge-2"), ("acme", "manager-1")):
            self.record(vendor, judge, judge, "major", 2)
        self.submit_all("acme", PROPOSALS[0], "a")

    @rule(vendor=vendors, auditor=judges, recorder=judges, judgement=named, count=st.integers(1, 3))
    def record(self, vendor: str, auditor: str, recorder: str, judgement: str, count: int) -> None:
        """Some audits are pushed by one who may have carried them out for somebody else."""
        judged = JUDGEMENTS[judgement]
        names = [f"A-{self.number + each}" for each in range(count)]
        self.number += count
        rows = [missed(name, vendor=vendor, site=SITES[vendor], auditor=auditor, **judged) for name in names]
        found = ids(self.run(pushed(self.clients[recorder], self.programme, rows)))
        for audit_id, name in zip(found, names, strict=True):
            self.model.record(str(audit_id), name, vendor, auditor, recorder, judged)

    @rule(audit=audits, who=judges, judgement=named)
    def revise(self, audit: Audit, who: str, judgement: str) -> None:
        """An audit is revised, whether or not it is under appeal."""
        revised = self.run(
            self.clients[who].post(
                f"/v1/audits/{audit.id}/revisions",
                params={"programme": self.programme},
                json={"judgement": JUDGEMENTS[judgement], "reason": "Seen again."},
                headers={"If-Match": f'"{len(audit.judgements)}"'},
            )
        )
        assert revised.status_code == 201, revised.text
        self.model.revise(audit, who, JUDGEMENTS[judgement])

    @rule(audit=audits, vendor=vendors, proposed=st.sampled_from(PROPOSALS), comment=st.sampled_from("ab"))
    def submit(self, audit: Audit, vendor: str, proposed: dict[str, Any], comment: str) -> None:
        """A POC raises an appeal, perhaps of the other vendor's audit, perhaps once more."""
        content = (comment, *sorted(proposed.items()))
        expected, appeal_id = self.model.submission(audit, vendor, content, proposed)
        answer = self.run(submit(self.clients[vendor], self.programme, audit.id, comment=comment, proposed=proposed))
        if expected in {"created", "duplicate"}:
            assert answer.status_code == (201 if expected == "created" else 200), answer.text
            assert expected == "created" or answer.json()["id"] == appeal_id
        else:
            assert (problem(answer), answer.json().get("appeal_id")) == (expected, appeal_id)
        if expected == "created":
            self.model.submit(answer.json()["id"], audit, content, proposed)

    @rule(vendor=vendors, proposed=st.sampled_from(PROPOSALS), comment=st.sampled_from("ab"))
    def submit_all(self, vendor: str, proposed: dict[str, Any], comment: str) -> None:
        """A POC appeals everything at once, by the external ids."""
        content = (comment, *sorted(proposed.items()))
        chosen = [audit for audit in self.model.audits.values() if audit.vendor == vendor]
        rows = [
            new_appeal("", comment=comment, proposed=proposed) | {"audit_id": None, "external_id": audit.external_id}
            for audit in chosen
        ]
        answer = self.run(self.clients[vendor].post("/v1/appeal-batches", params={"programme": self.programme}, json=rows))
        for audit, result in zip(chosen, answer.json()["results"], strict=True):
            expected, appeal_id = self.model.submission(audit, vendor, content, proposed)
            assert result["verdict"] == (expected if expected in {"created", "duplicate"} else "rejected"), expected
            if expected == "created":
                self.model.submit(result["appeal_id"], audit, content, proposed)
            else:
                assert result["appeal_id"] == appeal_id

    @rule(who=judges)
    def claim(self, who: str) -> None:
        """An adjudicator is handed what is due first of what they may decide."""
        expected = self.model.claimable(who)
        claimed = self.run(claim(self.clients[who], self.programme))
        assert (claimed and claimed["id"]) == (expected[0].id if expected else None)
        if expected:
            self.model.claim(expected[0], who)

    @rule(several=st.sets(judges, min_size=2))
    def claim_at_once(self, several: set[str]) -> None:
        """Several ask at the same moment: none gets what another got, nor what is not theirs to decide."""

        async def ask() -> list[Any]:
            return await asyncio.gather(*(claim(self.clients[who], self.programme) for who in several))

        handed = dict(zip(several, self.run(ask()), strict=True))
        for who, claimed in handed.items():
            if claimed is not None:
                appeal = self.model.appeals[claimed["id"]]
                assert appeal in self.model.claimable(who)
                self.model.claim(appeal, who)
        for who, claimed in handed.items():
            assert claimed is not None or not self.model.claimable(who)

    @there_are_appeals
    @rule(appeal=appeals, who=st.none() | judges, outcome=st.sampled_from(["upheld", "overturned", "amended"]), judgement=named)
    def decide(self, appeal: Appeal, who: str | None, outcome: str, judgement: str) -> None:
        """An appeal is decided, by its holder or by somebody else."""
        judge = who or appeal.claimed_by or "judge-1"
        amended = JUDGEMENTS[judgement] if outcome == "amended" else None
        body = {"outcome": outcome, "reason": "So.", **({} if amended is None else {"judgement": amended})}
        answer = self.step(judge, appeal, "decision", body)
        self.agree(answer, self.model.decide(appeal, outcome, judge, amended), appeal)

    @rule(who=judges, outcome=st.sampled_from(["upheld", "upheld", "overturned", "amended"]), judgement=named)
    def settle(self, who: str, outcome: str, judgement: str) -> None:
        """An adjudicator claims and decides in one go, as most do."""
        waiting = self.model.claimable(who)
        self.claim(who)
        if waiting:
            self.decide(waiting[0], None, outcome, judgement)

    @rule(most=st.integers(1, 3))
    def escalate(self, most: int) -> None:
        """Vendors have decisions arbitrated."""
        decided = [appeal for appeal in self.model.appeals.values() if appeal.escalate_until is not None]
        for appeal in decided[:most]:
            self.answer_back(appeal, None, "escalation")

    @there_are_appeals
    @rule(appeal=appeals, who=st.none() | judges)
    def release(self, appeal: Appeal, who: str | None) -> None:
        """A claim is given back, by its holder or by somebody else."""
        judge = who or appeal.claimed_by or "judge-1"
        self.agree(self.step(judge, appeal, "release", {"note": "No."}), self.model.release(appeal, judge), appeal)

    @there_are_appeals
    @rule(appeal=appeals, vendor=st.none() | vendors, way=st.sampled_from(["withdrawal", "escalation", "acknowledgement"]))
    def answer_back(self, appeal: Appeal, vendor: str | None, way: str) -> None:
        """A vendor withdraws, escalates or takes note, perhaps of the other vendor's appeal."""
        poc = vendor or appeal.audit.vendor
        answer = self.step(poc, appeal, way, None if way == "acknowledgement" else {"note": "Because."})
        does = {"withdrawal": self.model.withdraw, "escalation": self.model.escalate, "acknowledgement": self.model.acknowledge}
        self.agree(answer, does[way](appeal, poc), appeal)

    @there_are_appeals
    @rule(appeal=appeals)
    def come_late(self, appeal: Appeal) -> None:
        """A step meant for another version than stands changes nothing."""
        stale = step(
            self.clients[appeal.audit.vendor], self.programme, {"id": appeal.id}, "withdrawal", {"note": "."}, if_match='"99"'
        )
        assert self.run(stale).status_code == 412

    @rule(hours=st.sampled_from([1, 2, 7, 24, 72, 200]))
    def pass_time(self, hours: int) -> None:
        """Time moves on, and two replicas look what has run out."""
        self.model.pass_time(self.clock.move(hours=hours))
        database = self.app.state.database

        async def both() -> None:
            await asyncio.gather(*(sweep(database, self.clock) for _ in range(2)))

        self.run(both())

    def step(self, who: str, appeal: Appeal, name: str, body: Any) -> httpx.Response:
        """Take a step with the version that the model knows."""
        return self.run(step(self.clients[who], self.programme, {"id": appeal.id, "revision": appeal.revision}, name, body))

    def agree(self, answer: httpx.Response, expected: str, appeal: Appeal) -> None:
        """What was answered is what the model says, and the appeal stands as it does there."""
        if expected.startswith(("appeal-", "not-found")):
            assert problem(answer) == expected
        else:
            assert answer.status_code == 200, (expected, answer.text)
            assert _told(answer.json()) == _expected(appeal)

    @there_are_appeals
    @invariant()
    def every_appeal_stands_as_in_the_model(self) -> None:
        """State, stage, revision, promises and holder of each."""
        items = self.run(_all(self.clients["manager-1"], "/v1/appeals", self.programme))
        assert {item["id"]: _told(item) for item in items} == {
            appeal.id: _expected(appeal) for appeal in self.model.appeals.values()
        }

    def teardown(self) -> None:
        """At the end every audit has had the judgements of the model, every appeal its steps, and the counts agree."""
        manager, where = self.clients["manager-1"], {"programme": self.programme}
        items = self.run(_all(manager, "/v1/audits", self.programme))
        for item in items:
            audit = self.model.audits[item["id"]]
            first = item["first_scored"] or item
            assert [{name: view[name] for name in audit.first} for view in (first, item)] == [audit.first, audit.current]
            assert item["revision"] == len(audit.judgements)
        assert len(items) == len(self.model.audits)
        for appeal in self.model.appeals.values():
            history = self.run(manager.get(f"/v1/appeals/{appeal.id}/history", params=where)).json()["items"]
            assert [each["action"] for each in history] == appeal.steps
        for vendor in SITES:
            feed = self.run(_feed(self.clients[vendor], self.programme))
            audits = [data for noun, data in feed if noun == "audit"]
            counts = self.model.counts(vendor)
            assert {data["id"] for noun, data in feed if noun == "appeal"} == {
                appeal.id for appeal in self.model.appeals.values() if appeal.audit.vendor == vendor
            }
            for verdict in ("correct", "incorrect"):
                assert sum(data["verdict"] == verdict for data in audits) == counts["adjudicated"][verdict]
                first = sum((data["first_scored"] or data)["verdict"] == verdict for data in audits)
                assert first == counts["first_scored"][verdict]


def _told(appeal: dict[str, Any]) -> tuple[Any, ...]:
    """What is compared of an appeal as the service shows it. A vendor is not told who holds it, so that is not."""
    return (
        appeal["state"], appeal["stage"], appeal["revision"], appeal["due_at"], appeal["expires_at"], appeal["claimed_until"],
        appeal["escalate_until"], appeal["on_time"], appeal["acknowledged_at"] is not None,
    )  # fmt: skip


def _expected(appeal: Appeal) -> tuple[Any, ...]:
    moments = (appeal.due_at, appeal.expires_at, appeal.claimed_until, appeal.escalate_until)
    due, expires, claimed, escalate = (each and each.isoformat().replace("+00:00", "Z") for each in moments)
    return (
        appeal.state, appeal.stage, appeal.revision, due, expires, claimed, escalate, appeal.on_time, appeal.acknowledged,
    )  # fmt: skip


async def _all(client: httpx.AsyncClient, path: str, programme: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.get(path, params={"programme": programme, "limit": 1000})).json()["items"]
    return items


async def _feed(client: httpx.AsyncClient, programme: str) -> list[tuple[str, dict[str, Any]]]:
    page = (await client.get("/v1/changes", params={"programme": programme})).json()
    return [(change["noun"], change["data"]) for change in page["changes"]]


def driven(machine: type[Appeals], app: FastAPI, caller: Caller, clock: Clock, **fixtures: Any) -> type[Appeals]:
    """The machine for a running audit-api, with everybody who takes part and what else it is to know."""
    people = {who: (Role.QUALITY_MANAGER if who in MANAGERS else Role.AUDITOR, None) for who in JUDGES}
    clients = {who: caller(app, role, vendor=vendor, subject=who) for who, (role, vendor) in people.items()}
    clients |= {vendor: caller(app, Role.VENDOR_POC, vendor=vendor, subject=f"poc-{vendor}") for vendor in SITES}
    clients["manager-1"] = caller(app, Role.ADMIN, subject="manager-1")
    setup = {"loop": asyncio.get_running_loop(), "app": app, "clock": clock, "clients": clients}
    return type("Machine", (machine,), {**setup, **fixtures})
