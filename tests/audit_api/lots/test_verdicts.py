"""Lots by their audits: open until it is decided, and as adjudicated."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from appeals import Clock, moved_by_hand
from conftest import Caller
from sampling import Drawn, drawn, draws_of, items_of, next_monday, plan_document, published, some_decisions, take_in
from tallystick.schemas.principal import Role

RIGHT = {"benchmark_action": "remove", "benchmark_policy": "harassment", "verdict": "correct"}
WRONG = {
    "benchmark_action": "keep",
    "benchmark_policy": "no_violation",
    "verdict": "incorrect",
    "error_class": "false_positive",
    "error_code": "FP-HARASS",
    "severity": "minor",
}
LETTER_E = {"sample": 13, "accept": 2, "reject": 3, "code_letter": "E", "aql": 6.5, "level": "II", "severity": "normal"}
"""The plan of 60 decisions at an AQL of 6.5, by table II-A."""


@dataclass
class Inspection:
    """A lot of 60 decisions of acme, and who audits it."""

    app: FastAPI
    made: Drawn
    programme: str
    manager: httpx.AsyncClient
    auditor: httpx.AsyncClient

    async def lots(self, **filters: Any) -> list[dict[str, Any]]:
        answer = await self.manager.get("/v1/lots", params={"programme": self.programme, **filters})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def audit(self, *judgements: dict[str, Any]) -> list[str]:
        """Audit the next items so; answers the ids of the audits."""
        ids = [(await self._next("audit", {"judgement": each}))["id"] for each in judgements]
        audits = {
            str(item["id"]): str(item["audit_id"]) for item in await items_of(self.app, self.programme, self.made.draw["id"])
        }
        return [audits[item_id] for item_id in ids]

    async def lose(self, number: int) -> None:
        """Find the content of the next items gone."""
        for _ in range(number):
            await self._next("hand-back", {"reason": "unavailable"}, {"If-Match": "*"})

    async def _next(self, step: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> dict[str, Any]:
        of = {"programme": self.programme}
        item = (await self.auditor.post("/v1/sample-item-claims", params=of, json={})).raise_for_status().json()["item"]
        answer = await self.auditor.post(f"/v1/sample-items/{item['id']}/{step}", params=of, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        done: dict[str, Any] = answer.json()
        return done


@pytest.fixture
def clock(audit_app: FastAPI) -> Any:
    """The clock of audit-api, which the test moves."""
    with moved_by_hand(audit_app) as clock:
        yield clock


@pytest.fixture
async def inspection(
    request: pytest.FixtureRequest, audit_app: FastAPI, caller: Caller, programme: str, clock: Clock
) -> Inspection:
    """A lot that is drawn, of 60 decisions, or of as many as the test says."""
    clock.move(days=-28)
    manager = caller(audit_app, Role.QUALITY_MANAGER)
    number = getattr(request, "param", 60)
    rows = some_decisions(next_monday(clock), number)
    for row in rows:
        row |= {"vendor": "acme", "site": "lisbon"}
    of_lot = {"strata": [], "allocation": {"kind": "acceptance", "aql": 6.5}}
    made = await drawn(audit_app, manager, clock, programme, rows, **of_lot)
    answer = await manager.put("/v1/auditors/qa-1", params={"programme": programme}, json={"name": "Qa"})
    assert answer.status_code == 201, answer.text
    return Inspection(audit_app, made, programme, manager, caller(audit_app, Role.AUDITOR, subject="qa-1"))


def standing(lot: dict[str, Any]) -> tuple[Any, ...]:
    """How far a lot is."""
    return lot["audited"], lot["errors"], lot["verdict"]


async def test_a_lot_is_open_until_its_sample_is_audited(inspection: Inspection) -> None:
    """By the standard's plan for its size; accepted with as many errors as that allows."""
    [before] = await inspection.lots()
    await inspection.audit(WRONG, WRONG, *[RIGHT] * 10)
    [almost] = await inspection.lots(verdict="open")
    await inspection.audit(RIGHT)
    [after] = await inspection.lots(vendor="acme", draw_id=inspection.made.draw["id"], verdict=["accepted", "rejected"])

    assert before | LETTER_E == before
    assert (before["values"], before["decisions"], before["vendor"]) == ({"vendor": "acme"}, 60, "acme")
    assert [standing(each) for each in (before, almost, after)] == [(0, 0, "open"), (12, 2, "open"), (13, 2, "accepted")]
    assert await inspection.lots(verdict="open") == await inspection.lots(vendor="borealis") == []


async def test_a_lot_is_rejected_with_the_error_that_is_one_too_many_and_opens_again_with_a_revision(
    inspection: Inspection,
) -> None:
    """The rest of the sample is not waited for; what was adjudicated since counts."""
    audits = await inspection.audit(WRONG, WRONG, WRONG)
    [rejected] = await inspection.lots()
    revised = await inspection.manager.post(
        f"/v1/audits/{audits[0]}/revisions",
        params={"programme": inspection.programme},
        json={"judgement": RIGHT, "reason": "It was satire."},
        headers={"If-Match": '"1"'},
    )
    [again] = await inspection.lots()
    erased = await inspection.manager.post(
        f"/v1/audits/{audits[1]}/erasure",
        params={"programme": inspection.programme},
        json={"reason": "Asked for."},
        headers={"If-Match": '"1"'},
    )
    [still] = await inspection.lots()

    assert revised.status_code == 201, revised.text
    assert erased.is_success, erased.text
    assert [standing(each) for each in (rejected, again, still)] == [(3, 3, "rejected"), (3, 2, "open"), (3, 2, "open")]


@pytest.mark.parametrize("inspection", [2], indirect=True)
async def test_what_cannot_be_audited_and_has_no_substitute_is_not_waited_for(inspection: Inspection) -> None:
    """The others are the sample then; a lot of which nothing could be audited stays open."""
    [before] = await inspection.lots()
    await inspection.lose(1)
    [one] = await inspection.lots()
    await inspection.audit(RIGHT)
    [other] = await inspection.lots()

    assert (before["sample"], standing(before)) == (2, (0, 0, "open"))
    assert [standing(each) for each in (one, other)] == [(0, 0, "open"), (1, 0, "accepted")]


@pytest.mark.parametrize("inspection", [2], indirect=True)
async def test_a_lot_of_which_nothing_could_be_audited_stays_open(inspection: Inspection) -> None:
    """Nothing is known of it."""
    await inspection.lose(2)

    assert [standing(each) for each in await inspection.lots()] == [(0, 0, "open")]


async def test_two_rejected_lots_tighten_the_inspection_of_the_next(
    audit_app: FastAPI, caller: Caller, programme: str, clock: Clock
) -> None:
    """Of the same stratum, as far as they are judged when it is drawn."""
    clock.move(days=-28)
    manager, auditor = caller(audit_app, Role.QUALITY_MANAGER), caller(audit_app, Role.AUDITOR, subject="qa-1")
    await manager.put("/v1/auditors/qa-1", params={"programme": programme}, json={"name": "Qa"})
    first, of_lots = next_monday(clock), {"strata": [], "period": "day", "allocation": {"kind": "acceptance", "aql": 6.5}}
    plan = await published(manager, programme, plan_document(first, **of_lots))
    for place, draw in enumerate((await draws_of(manager, programme, plan["id"]))[:3]):
        rows = [
            row | {"vendor": "acme", "site": "lisbon", "decision_id": f"{place}-{row['decision_id']}"}
            for row in some_decisions(date.fromisoformat(draw["first_day"]), 60, days=1)
        ]
        clock.now = datetime.fromisoformat(draw["draw_after"]) + timedelta(minutes=1)
        await take_in(manager, programme, rows, source=f"of {draw['id']}")
        made = (await manager.post(f"/v1/draws/{draw['id']}/drawing", params={"programme": programme})).raise_for_status()
        inspection = Inspection(audit_app, Drawn(made.json(), plan, rows, []), programme, manager, auditor)
        if place == 2:
            break
        await inspection.audit(*[WRONG] * 13)
    found = await inspection.lots()

    assert [(each["severity"], each["accept"], each["verdict"]) for each in found] == [
        ("tightened", 1, "open"),
        ("normal", 2, "rejected"),
        ("normal", 2, "rejected"),
    ]


async def test_lots_come_page_by_page_and_only_to_their_vendor(
    audit_app: FastAPI, caller: Caller, programme: str, clock: Clock
) -> None:
    """The newest period first, each lot once."""
    clock.move(days=-28)
    manager = caller(audit_app, Role.QUALITY_MANAGER)
    plan = {"strata": ["queue"], "allocation": {"kind": "acceptance", "aql": 1.0}}
    for title in ("one", "other"):
        rows = [each | {"decision_id": f"{title}-{each['decision_id']}"} for each in some_decisions(next_monday(clock), 12)]
        await drawn(audit_app, manager, clock, programme, rows, title=title, **plan)
    alone = caller(audit_app, Role.VENDOR_POC, vendor="acme")
    everything = await _paged(manager, programme, 3)
    own = await _paged(alone, programme, 100)

    places = [(each["first_day"], each["draw_id"], each["stratum"]) for each in everything]
    assert len(set(places)) == len(everything) == 8
    assert [each[0] for each in places] == sorted((each[0] for each in places), reverse=True)
    assert own == [each for each in everything if each["vendor"] == "acme"]
    assert len(own) == 4


async def _paged(client: httpx.AsyncClient, programme: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    answer = await client.get("/v1/lots", params={"programme": programme, "limit": limit})
    while True:
        found += answer.raise_for_status().json()["items"]
        if "next" not in answer.links:
            return found
        answer = await client.get(httpx.URL("/v1/lots").join(answer.links["next"]["url"]))


def _wrong(points: Sequence[dict[str, float]]) -> bool:
    """Whether acceptance ever rises with the error rate."""
    return any(after["acceptance"] > before["acceptance"] + 1e-9 for before, after in pairwise(points))


async def test_the_curve_of_a_plan_says_what_either_side_risks(audit: httpx.AsyncClient) -> None:
    """Code letter J at an AQL of 1.0: table X-J has lots of 2.7 errors in a hundred for a half, 6.5 for a tenth."""
    answer = await audit.get("/v1/lots/curve", params={"lot_size": 1200, "aql": 1.0})
    found = answer.json()

    assert answer.status_code == 200, answer.text
    assert (found["code_letter"], found["sample"], found["accept"], found["reject"]) == ("J", 80, 2, 3)
    assert found["consumers_quality"] == pytest.approx(0.0652, abs=0.0005)
    assert found["producers_risk"] == pytest.approx(0.0466, abs=0.0005)
    assert found["curve"][0] == {"error_rate": 0.0, "acceptance": 1.0}
    assert found["curve"][-1]["acceptance"] < 0.01
    assert not _wrong(found["curve"])


async def test_while_acceptance_is_discontinued_nothing_is_accepted(audit: httpx.AsyncClient) -> None:
    """Whatever its quality."""
    answer = await audit.get("/v1/lots/curve", params={"lot_size": 1200, "aql": 1.0, "severity": "discontinued"})

    assert {point["acceptance"] for point in answer.json()["curve"]} == {0.0}


@pytest.mark.parametrize("aql", ["0.7", "15", "x", "nan"])
async def test_an_aql_that_the_standard_does_not_have_is_refused(audit: httpx.AsyncClient, aql: str) -> None:
    """By its name."""
    answer = await audit.get("/v1/lots/curve", params={"lot_size": 100, "aql": aql})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["query:aql"]
