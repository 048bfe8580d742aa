"""Evidence by itself, from real audits: pushed to audit-api, counted and searched by reporting-api, heard and gathered here."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Row

from appeals import Clock
from cases import asked, brought, closed, done, opened
from conftest import Caller
from factories import audit_row, missed, programme_document
from rca_api.evidence.gathering import gather, gather_all
from rca_api.evidence.records import keep, wanted
from rca_api.service import SERVICE
from rca_api.settings import RcaSettings
from rca_api.signals.following import follow
from reporting_api.projection.worker import rebuild
from reporting_api.settings import ReportingSettings
from reporting_api.signals.worker import detect
from sampling import ZONE
from tallystick.client import Tallystick
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.service.database import Database
from tallystick.service.neighbours import neighbours
from tallystick_embedded.postgres import Cluster

FIRST = date(2026, 7, 27)
"""A Monday."""
PLACES = (("acme", "lisbon", "live"), ("acme", "lisbon", "comments"), ("acme", "cairo", "live"), ("borealis", "krakow", "live"))


def _weeks(weeks: int) -> list[dict[str, Any]]:
    """Weeks of 40 audits at each place, two of them wrong, and in the last one 17 at krakow/live."""
    rows = []
    for week in range(weeks):
        day = FIRST + timedelta(weeks=week, days=1)
        for vendor, site, queue in PLACES:
            errors = 17 if (week, site) == (weeks - 1, "krakow") else 1 + week % 2
            for number in range(40):
                make = missed if number < errors else audit_row
                times = {"decided_at": f"{day}T08:00:00Z", "audited_at": f"{day}T10:00:00Z"}
                where = {"vendor": vendor, "site": site, "queue": queue, "moderator": f"{site}-{number % 8}"}
                rows.append(make(f"{week}-{site}-{queue}-{number}", **where, **times))
    return rows


@pytest.fixture
async def stepped(
    audit: httpx.AsyncClient, programme: str, reporting_app: FastAPI, reporting_settings: ReportingSettings, clock: Clock
) -> str:
    """A programme whose error rate at krakow/live goes up in its ninth week, counted and searched when that was over."""
    answer = await audit.post("/v1/audit-batches", params={"programme": programme}, json=_weeks(9))
    assert answer.json()["counts"]["created"] == 9 * 160, answer.text
    await rebuild(reporting_settings, programme)
    clock.now = datetime(2026, 9, 28, 5, tzinfo=UTC)
    assert await detect(reporting_app.state.database, programme, clock.now)
    return programme


@pytest.fixture
async def alone(cluster: Cluster, rca_app: object, programme: str) -> None:  # noqa: ARG001 - its schema is wanted
    """Nothing is gathered any more for cases of other tests, of which there may be hundreds."""
    connection = await asyncpg.connect(cluster.url("rca", "postgres"))
    await connection.execute("update cases set evidence_wanted_at = null where programme <> $1", programme)
    await connection.close()


async def _evidence(client: httpx.AsyncClient, case: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The evidence of a case by audience and kind."""
    items = (await asked(client, case, "GET", "/evidence")).json()["items"]
    return {(item["audience"], item["kind"]): item for item in items}


@pytest.mark.usefixtures("alone")
async def test_a_step_leads_to_one_case_with_its_evidence(
    rca: httpx.AsyncClient, rca_app: FastAPI, caller: Caller, database: Database, client: Tallystick, stepped: str, clock: Clock
) -> None:
    """The segment leads, examples are errors of its own, and the vendor's part holds nothing of the other vendor."""
    document = Programme.model_validate(programme_document(stepped))
    await follow(database, client, document, clock)
    await gather_all(database, client, clock)
    [case] = (await rca.get("/v1/cases", params={"programme": stepped})).json()["items"]
    found = await _evidence(rca, case)
    poc = caller(rca_app, Role.VENDOR_POC, vendor="borealis", programmes=(stepped,))
    theirs = await asked(poc, case, "GET", "/evidence")
    leading = found["internal", "segments"]["content"]["leading"][0]
    parts = found["internal", "decomposition"]["content"]

    assert (case["vendor"], case["scope"]["site"], case["evidence_at"]) == ("borealis", ["krakow"], "2026-09-28T05:00:00Z")
    assert leading["dimensions"]["site"] == "krakow"
    assert {tuple(cut["by"]) for cut in parts["cuts"]} >= {("vendor",), ("site",), ("queue",), ("moderator_tenure",)}
    for cut in parts["cuts"]:
        assert cut["mix"] + cut["rate"] == pytest.approx(parts["change"])
    examples = found["vendor", "examples"]["content"]["items"]
    assert len(examples) == 12
    assert {(each["vendor"], each["site"], each["error_code"]) for each in examples} == {("borealis", "krakow", "FN-HARASS")}
    assert {audience for audience, _ in found} == {"internal", "vendor"}
    assert {item["audience"] for item in theirs.json()["items"]} == {"vendor"}
    for word in ("acme", "lisbon", "cairo"):
        assert word not in theirs.text
    whole = {
        audience: found[audience, "decomposition"]["content"]["before"]["denominator"] for audience in ("internal", "vendor")
    }
    assert whole == {"internal": 8 * 160, "vendor": 8 * 40}


async def test_evidence_is_kept_once_and_gathered_anew_when_asked(
    rca: httpx.AsyncClient, database: Database, client: Tallystick, programme: str, clock: Clock
) -> None:
    """Of two replicas that gathered it one keeps it; asked for anew it takes the place of what there was."""
    case = await opened(rca, programme)
    [row] = await _wanted(database, case, clock())
    gathered = await gather(client, row)
    kept = []
    for _ in range(2):
        async with database.writing(SERVICE) as session:
            kept.append(await keep(session, row, gathered, clock()))
    clock.move(hours=1)
    again = await done(asked(rca, case, "POST", "/evidence", None, '"1"'))
    stale = await asked(rca, case, "POST", "/evidence", None, '"1"')
    [row] = await _wanted(database, case, clock())
    async with database.writing(SERVICE) as session:
        assert await keep(session, row, gathered, clock())
    history = (await asked(rca, case, "GET", "/steps")).json()["items"]

    assert kept == [True, False]
    assert (again["revision"], stale.status_code) == (2, 412)
    assert [event["kind"] for event in history] == ["step", "evidence", "change", "evidence"]
    assert {item["gathered_at"] for item in (await _evidence(rca, case)).values()} == {history[-1]["at"]}


async def test_evidence_that_comes_in_leaves_what_somebody_decides_meanwhile_valid(
    rca: httpx.AsyncClient, database: Database, programme: str, clock: Clock
) -> None:
    """Whoever read the case before may move it on: its revision is what it was, its tag and its place on the feed are not."""
    case = await opened(rca, programme)
    before = await asked(rca, case, "GET", "")
    [row] = await _wanted(database, case, clock())
    async with database.writing(SERVICE) as session:
        assert await keep(session, row, [], clock())
    after = await asked(rca, case, "GET", "")
    moved = await asked(rca, case, "POST", "/steps", {"step": "analyse"}, before.headers["ETag"])

    assert after.json()["evidence_at"] is not None
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.json()["position"] > before.json()["position"]
    assert (after.json()["revision"], moved.status_code) == (1, 200)


async def test_what_changed_in_the_programme_is_told_as_each_side_may_know_it(
    rca: httpx.AsyncClient, rca_app: FastAPI, caller: Caller, audit: httpx.AsyncClient, database: Database, client: Tallystick,
    programme: str,
) -> None:  # fmt: skip
    """A new policy set to both; another vendor's new site to the client alone."""
    document = programme_document(programme)
    document["vendors"][1]["sites"].append("gdansk")
    await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})
    document["policy_set"]["version"] = "2026-10"
    await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"2"'})
    tomorrow = datetime.now(ZONE).date() + timedelta(days=1)
    period = {"from": str(tomorrow - timedelta(days=7)), "to": str(tomorrow)}
    case = await opened(rca, programme, period=period)
    await _gathered(database, client, case)
    found = await _evidence(rca, case)
    poc = caller(rca_app, Role.VENDOR_POC, vendor="acme", programmes=(programme,))
    theirs = await asked(poc, case, "GET", "/evidence")

    assert [each["parts"] for each in found["internal", "circumstances"]["content"]["items"]] == [["policy_set"], ["vendors"]]
    assert [each["parts"] for each in found["vendor", "circumstances"]["content"]["items"]] == [["policy_set"]]
    assert found["vendor", "circumstances"]["content"]["items"][0]["policy_set"] == "2026-10"
    assert "gdansk" not in theirs.text


async def test_similar_earlier_cases_are_found(
    rca: httpx.AsyncClient, database: Database, client: Tallystick, programme: str
) -> None:
    """With their conclusions and causes; a vendor reads of its own alone."""
    known = {
        vendor: await opened(rca, programme, vendor=vendor, scope={"error_code": ["FN-HARASS"]})
        for vendor in ("acme", "borealis")
    }
    await opened(rca, programme, scope={"error_code": ["WS-HATE"]})
    await done(closed(rca, await brought(rca, known["acme"])))
    case = await opened(rca, programme, scope={"error_code": ["FN-HARASS"], "queue": ["live"]})
    await _gathered(database, client, case)
    found = await _evidence(rca, case)
    similar = {audience: found[audience, "similar"]["content"]["items"] for audience in ("internal", "vendor")}

    assert [each["id"] for each in similar["internal"]] == [known["acme"]["id"], known["borealis"]["id"]]
    assert [each["id"] for each in similar["vendor"]] == [known["acme"]["id"]]
    assert (similar["vendor"][0]["conclusion"], similar["vendor"][0]["causes"]) == (
        "The policy text was ambiguous.",
        ["training_gap"],
    )


async def _wanted(database: Database, case: dict[str, Any], now: datetime) -> list[Row[Any]]:
    """The row of a case whose evidence is to be gathered by now; nothing where it is not."""
    async with database.reading(SERVICE) as session:
        return [row for row in await wanted(session, now, 100_000) if str(row.id) == case["id"]]


async def _gathered(database: Database, client: Tallystick, case: dict[str, Any]) -> None:
    """Gather the evidence of one case."""
    [row] = await _wanted(database, case, datetime.now(UTC))
    found = await gather(client, row)
    async with database.writing(SERVICE) as session:
        assert await keep(session, row, found, datetime.now(UTC))


@pytest.mark.usefixtures("alone")
async def test_evidence_waits_for_services_that_are_out_of_reach(
    rca: httpx.AsyncClient, database: Database, following_settings: RcaSettings, client: Tallystick, programme: str, clock: Clock
) -> None:
    """Nothing is kept of what could not be asked. It is wanted still, and tried again after pauses that double, up to an hour."""
    case = await opened(rca, programme)
    began = clock.now
    unreachable = following_settings.model_copy(update={"reporting_url": "http://127.0.0.1:9"})
    tried = []

    async with neighbours(unreachable, "rca-api", patience_s=0) as cut_off:
        for seconds in (0, 4, 5, 9, 10, 20, 40, 3000, 5999, 6000, 9599, 9600):
            clock.now = began + timedelta(seconds=seconds)
            if await _wanted(database, case, clock()):
                tried.append(seconds)
            await gather_all(database, cut_off, clock)
    empty = (await asked(rca, case, "GET", "/evidence")).json()["items"]
    waiting = await done(asked(rca, case, "GET", ""))
    await done(asked(rca, case, "POST", "/evidence"))
    at_once = await _wanted(database, case, clock())
    await gather_all(database, client, clock)

    assert tried == [0, 5, 10, 20, 40, 3000, 6000, 9600]
    assert (empty, waiting["evidence_at"], waiting["revision"]) == ([], None, 1)
    assert [str(row.id) for row in at_once] == [case["id"]]
    assert (await done(asked(rca, case, "GET", "")))["evidence_at"] is not None
