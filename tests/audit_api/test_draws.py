"""Draws: committed before their period, made once after it, and what anybody can hold against them."""

from datetime import date, datetime, timedelta

import httpx
from fastapi import FastAPI

from appeals import Clock
from audit_api.sampling.schedule import keep_up
from factories import decision_row
from sampling import drawn, draws_of, next_monday, plan_document, published
from tallystick import draw as repeated
from tallystick.schemas.decision import Decision
from tallystick.schemas.sampling import Receipt


async def receipt(client: httpx.AsyncClient, programme: str, draw_id: str, vendor: str) -> Receipt:
    """What a vendor repeats the draw with."""
    answer = await client.get(f"/v1/draws/{draw_id}/receipt", params={"programme": programme, "vendor": vendor})
    assert answer.status_code == 200, answer.text
    return Receipt.model_validate_json(answer.content)


async def test_a_published_plan_has_the_draws_of_the_periods_to_come(
    audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """Each committed before its period begins, with the commitment to a key that is not told."""
    first = next_monday(clock)
    plan = await published(audit, programme, plan_document(first))
    found = await draws_of(audit, programme, plan["id"])

    assert found[0]["first_day"] == first.isoformat()
    assert [date.fromisoformat(each["last_day"]) - date.fromisoformat(each["first_day"]) for each in found] == [
        timedelta(days=6)
    ] * len(found)
    assert {each["state"] for each in found} == {"committed"}
    assert [each["key"] for each in found] == [None] * len(found)
    assert len({each["commitment"] for each in found}) == len(found)


async def test_a_draw_is_repeated_from_decisions_and_receipt(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """Every vendor finds its own part of it as it was made, and no change of a decision goes unnoticed."""
    made = await drawn(audit_app, audit, clock, programme)
    decisions = [Decision.model_validate(row) for row in made.decisions]
    receipts = [await receipt(audit, programme, made.draw["id"], vendor) for vendor in ("acme", "borealis")]

    assert made.draw["state"] == "drawn"
    assert made.draw["commitment"] == repeated.commitment(bytes.fromhex(made.draw["key"]))
    assert (made.draw["decisions"], made.draw["planned"], made.draw["drawn"]) == (60, 20, 20)
    assert [repeated.verify(each, decisions) for each in receipts] == [[], []]
    assert [each.decisions for each in receipts] == [40, 20]
    assert repeated.verify(receipts[0], decisions[1:2] + decisions[3:])
    more = Decision.model_validate(decision_row("D-new", decided_at=made.decisions[0]["decided_at"]))
    assert repeated.verify(receipts[0], [*decisions, more])
    altered = [each.model_copy(update={"market": "PL"}) if each.decision_id == "D-1" else each for each in decisions]
    assert repeated.verify(receipts[0], altered)


async def test_items_carry_the_probability_with_which_they_were_drawn(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """It is what was drawn of a stratum by its decisions; every moderator's first item comes before anybody's second."""
    made = await drawn(audit_app, audit, clock, programme)
    strata = (await audit.get(f"/v1/draws/{made.draw['id']}/strata", params={"programme": programme})).json()["items"]
    shares = {each["stratum"]: each["drawn"] / each["decisions"] for each in strata}

    assert {item["stratum"]: item["inclusion_probability"] for item in made.items} == shares
    assert {item["state"] for item in made.items} == {"waiting"}
    assert len({item["decision_id"] for item in made.items}) == len(made.items) == 20
    turns = sorted((item["vendor"], item["moderator"], item["turn"]) for item in made.items)
    seen: dict[tuple[str, str], int] = {}
    for vendor, moderator, turn in turns:
        seen[vendor, moderator] = seen.get((vendor, moderator), 0) + 1
        assert turn == seen[vendor, moderator]


async def test_a_period_without_decisions_is_missed_and_its_key_told(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """There is a receipt all the same: of nothing."""
    plan = await published(audit, programme, plan_document(next_monday(clock)))
    [first, *_] = await draws_of(audit, programme, plan["id"])
    early = await audit.post(f"/v1/draws/{first['id']}/drawing", params={"programme": programme})
    clock.now = datetime.fromisoformat(first["draw_after"])
    await keep_up(audit_app.state.database, clock)
    [missed] = [each for each in await draws_of(audit, programme, plan["id"]) if each["id"] == first["id"]]

    assert (early.status_code, early.json()["state"]) == (409, "committed")
    assert missed["state"] == "missed"
    assert repeated.commitment(bytes.fromhex(missed["key"])) == first["commitment"]
    assert repeated.verify(await receipt(audit, programme, first["id"], "acme"), []) == []
