"""The weekly summary: what happened in a week, in numbers and in words, and for a vendor nothing of anybody else."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from reporting_feed import CORRECT, Stream, error
from reporting_work import WorkStream
from tallystick.schemas.principal import Role
from tallystick.service.clock import Clock
from tallystick.service.database import Database

MONDAY = date(2026, 9, 21)
OPENED = datetime(2026, 9, 22, 9, tzinfo=UTC)
DAY = timedelta(days=1)
OF_OTHERS = ("Internal matter", "Their own trouble", "bianca", "borealis", "clara")
"""What acme has no business with."""


@pytest.fixture
def moment(reporting_app: FastAPI) -> Iterator[None]:
    """It is the Wednesday of the week after."""
    before: Clock = reporting_app.state.clock
    reporting_app.state.clock = lambda: datetime(2026, 9, 30, 12, tzinfo=UTC)
    yield
    reporting_app.state.clock = before


@pytest.fixture
async def stream(reporting_database: Database, moment: None) -> WorkStream:  # noqa: ARG001 - the time has to stand
    """At acme accuracy falls from .95 to .8, at borealis it is .95; a case, actions and a judged plan for each and for nobody."""
    facts = Stream()
    for week in (0, 1):
        for number in range(200):
            day = MONDAY + (week - 1) * 7 * DAY + number % 7 * DAY
            wrong = number < (40 if week else 10)
            audit = facts.create(error(severity="critical" if number == 0 else "major") if wrong else CORRECT, day=day)
            facts.create(error() if number < 10 else CORRECT, day=day, vendor="borealis", site="porto")
            if week and number in {0, 1, 2}:
                appeal = facts.appeal(audit)
                if number:
                    facts.decide(appeal, "overturned" if number == 1 else "upheld")
    await facts.project(reporting_database)
    work = WorkStream(facts.document)
    for vendor, title, owner in (
        ("acme", "Missed *harassment*", "anna"),
        ("borealis", "Their own trouble", "bianca"),
        (None, "Internal matter", "clara"),
    ):
        case = work.open(vendor, OPENED, title=title)
        work.move(case, "analyse", OPENED + DAY)
        work.action(case, OPENED + 2 * DAY, owner=owner, title="Train all", state="done", done_at=OPENED.isoformat())
        work.action(case, OPENED + 3 * DAY, owner=owner, title="Write it down")
        work.action(case, OPENED + 10 * DAY, owner=owner, title="Look again")
        work.plan(case, MONDAY, verdict="not_effective", judged_at=OPENED.isoformat())
    earlier = work.open("acme", OPENED - 14 * DAY, title="Of before")
    work.move(earlier, "cancel", OPENED - 10 * DAY)
    await work.project(reporting_database)
    return work


async def _summary(client: httpx.AsyncClient, stream: WorkStream, **asked: Any) -> dict[str, Any]:
    answer = await client.get("/v1/reports/weekly-summary", params={"programme": stream.programme, **asked})
    assert answer.status_code == 200, answer.text
    summary: dict[str, Any] = answer.json()
    return summary


async def test_a_week_is_told_in_numbers_and_in_sentences(reporting: httpx.AsyncClient, stream: WorkStream) -> None:
    """The last whole week without any other being asked for."""
    summary = await _summary(reporting, stream, vendor="acme")

    assert (summary["week"], summary["complete"], summary["vendor"]) == ("2026-09-21", True, "acme")
    assert (summary["numbers"]["accuracy"]["value"], summary["previous"]["accuracy"]["value"]) == (pytest.approx(0.805), 0.95)
    assert summary["change"]["accuracy"]["clear"] is True
    assert [(case["title"], case["steps"], case["state"]) for case in summary["cases"]] == [
        ("Missed *harassment*", ["open", "analyse"], "analysis")
    ]
    assert [(each["title"], each["done"]) for each in summary["due"]] == [("Train all", True), ("Write it down", False)]
    assert [each["title"] for each in summary["overdue"]] == ["Write it down"]
    assert [each["title"] for each in summary["coming"]] == ["Look again"]
    assert [(each["title"], each["verdict"]) for each in summary["effects"]] == [("Missed *harassment*", "not_effective")]
    appeals = {name: number["value"] for name, number in summary["appeals"].items()}
    assert appeals == {"submitted": 3, "decided": 2, "overturned": 0.5, "open": 1}
    assert summary["headline"] == "Accuracy 80.5\N{NARROW NO-BREAK SPACE}%: clearly lower than in the week before."
    assert "Cases: 1 opened, 1 moved on, 0 closed; 1 goes on." in summary["sentences"]
    assert "Actions: 2 due in the week, 1 of them done; 1 overdue; 1 due in the week after." in summary["sentences"]
    assert "Appeals: 3 submitted, 2 decided, 1 of these with another verdict; 1 open." in summary["sentences"]


async def test_what_a_manager_sends_is_what_the_vendor_reads(
    caller: Any, reporting_app: FastAPI, reporting: httpx.AsyncClient, stream: WorkStream
) -> None:
    """Byte for byte, as JSON and as Markdown; and nothing of another vendor or internal is in either."""
    poc = caller(reporting_app, Role.VENDOR_POC, vendor="acme")
    asked = {"programme": stream.programme, "vendor": "acme"}
    for accept in ("application/json", "text/markdown"):
        answers = [
            await client.get("/v1/reports/weekly-summary", params=asked, headers={"Accept": accept})
            for client in (reporting, poc)
        ]

        assert answers[0].content == answers[1].content
        assert answers[0].headers["content-type"].startswith(accept)
        assert not [word for word in OF_OTHERS if word in answers[0].text]
    assert await _summary(poc, stream) == await _summary(reporting, stream, vendor="acme")


async def test_the_clients_summary_compares_vendors_and_holds_all(reporting: httpx.AsyncClient, stream: WorkStream) -> None:
    summary = await _summary(reporting, stream, week="2026-09-24")

    ranked = [(each["vendor"], each["rank"]["highest"], each["rank"]["tied"]) for each in summary["vendors"]]
    assert ranked == [("borealis", 1, False), ("acme", 2, False)]
    assert {case["title"] for case in summary["cases"]} == {"Missed *harassment*", "Their own trouble", "Internal matter"}
    assert len(summary["overdue"]) == 3
    before = await _summary(reporting, stream, week="2026-09-15")
    assert all(each["rank"]["tied"] for each in before["vendors"])
    assert any("they are tied" in sentence for sentence in before["sentences"])


async def test_a_letter_takes_nothing_that_people_wrote_for_markup(reporting: httpx.AsyncClient, stream: WorkStream) -> None:
    """As Markdown it has headings and lists of its own alone; no cache takes it for the JSON."""
    asked = {"programme": stream.programme, "vendor": "acme", "week": "2026-09-21"}
    answer = await reporting.get("/v1/reports/weekly-summary", params=asked, headers={"Accept": "text/markdown"})
    lines = answer.text.splitlines()

    assert lines[0].endswith(": week of 21\N{NO-BREAK SPACE}Sep\N{NO-BREAK SPACE}2026 for acme")
    assert "- Missed \\*harassment\\*: opened, analysis begun; now in analysis" in lines
    assert "- Write it down (anna), due 2026-09-25 09:00 UTC" in lines
    assert answer.headers["vary"] == "Accept, Authorization, Cookie"
    known = {"Accept": "text/markdown", "If-None-Match": answer.headers["etag"]}
    again = await reporting.get("/v1/reports/weekly-summary", params=asked, headers=known)
    other = await reporting.get("/v1/reports/weekly-summary", params=asked, headers=known | {"Accept": "application/json"})
    assert (again.status_code, other.status_code) == (304, 200)


async def test_another_vendor_answers_like_one_that_does_not_exist(
    caller: Any, reporting_app: FastAPI, reporting: httpx.AsyncClient, stream: WorkStream
) -> None:
    poc = caller(reporting_app, Role.VENDOR_POC, vendor="acme")
    where = {"programme": stream.programme}
    answers = [
        await client.get("/v1/reports/weekly-summary", params=where | {"vendor": vendor})
        for client, vendor in ((poc, "borealis"), (poc, "nobody"), (reporting, "nobody"))
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.json()["detail"] for answer in answers}) == 1


async def test_an_empty_week_says_so(reporting: httpx.AsyncClient, stream: WorkStream) -> None:
    summary = await _summary(reporting, stream, week="2025-01-06")

    assert summary["headline"] == "Nothing was audited in this week."
    assert (summary["numbers"]["accuracy"]["value"], summary["cases"], summary["open_cases"]["value"]) == (None, [], 0)
