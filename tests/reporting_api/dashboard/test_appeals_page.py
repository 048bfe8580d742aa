"""The page of appeals: what it says, and to whom."""

import re
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from conftest import Caller
from dashboard_browser import said
from reporting_feed import Stream, error
from tallystick.schemas.principal import Role
from tallystick.service.database import Database

NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)


@pytest.fixture
async def appealed(reporting_app: FastAPI, reporting_database: Database, monkeypatch: pytest.MonkeyPatch) -> Stream:
    """At noon on 21 September: 60 appeals, hate as FP-HARASS mostly overturned, and five that are open, two of them overdue."""
    monkeypatch.setitem(reporting_app.state._state, "clock", lambda: NOW)
    stream = Stream(targets={"minimum_sample": 10, "appeal_turnaround_days": 5})
    for place in range(60):
        planted = place % 3 == 0
        where = {"vendor": "borealis", "site": "krakow"} if place % 2 else {"vendor": "acme", "site": "lisbon"}
        fields = {"policy": "hate" if planted else "harassment", "auditor": f"qa-{place % 4}"}
        day = date(2026, 9, 1) + timedelta(days=place // 4)
        audit_id = stream.create(error("FP-HARASS" if planted else "FN-HARASS"), day=day, **where, **fields)
        due = datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=5)
        appeal_id = stream.appeal(audit_id, due_at=due.isoformat())
        if place < 55:
            stream.decide(appeal_id, "overturned" if planted else "upheld", after=timedelta(hours=30 + place))
        elif place < 57:
            stream.move(appeal_id, "submitted", due_at="2026-09-21T11:00:00Z")
        else:
            stream.move(appeal_id, "in_review", due_at="2026-09-22T11:00:00Z")
    for _ in range(140):
        stream.create(day=date(2026, 9, 10))
    await stream.project(reporting_database)
    return stream


async def test_the_page_says_what_becomes_of_appeals(reporting: httpx.AsyncClient, appealed: Stream) -> None:
    """Rates with what they stand on, times in words, what waits, and the pattern with a link to it."""
    page = await reporting.get(f"/programmes/{appealed.programme}/appeals")
    text = said(page)

    assert "60 of the audits in the period 30.0 % of audits appealed" in text
    assert "34.5 % 23.4-47.7 % at 95 % 19 of 55 decided appeals overturned or amended" in text
    assert "2.4 days 2.0 days to 2.7 days at 95 % median Nine of ten within" in text
    assert "5 working days promised" in text
    assert "5 whatever the day of the audit" in text
    assert "2 overdue" in text
    assert "3 in review, 0 in arbitration" in text
    assert "60 appeals by the week of the audit: 19 overturned or amended, 36 upheld, 5 open." in text
    assert "5 open, 2 of them overdue. As of 21 Sep 2026, 12:00:00 UTC" in text
    assert "Harassment seen where none is under hate: 100.0 % of 19 decided appeals changed the verdict" in text
    assert "against 0.0 % of the rest" in text
    assert f'href="/programmes/{appealed.programme}/appeals?policy=hate&amp;error_code=FP-HARASS"' in page.text
    assert "compared with" not in text
    assert "The policy was misapplied (policy_misapplied)" in text


async def test_pages_of_a_programme_link_to_each_other_with_the_filters(reporting: httpx.AsyncClient, appealed: Stream) -> None:
    """Filters and days go along; what only one of them knows stays behind."""
    home = f"/programmes/{appealed.programme}"
    quality = await reporting.get(f"{home}?site=lisbon&view=first_scored&from=2026-09-01")
    appeals = await reporting.get(f"{home}/appeals?site=lisbon&from=2026-09-01&sort=-appeals")
    there = re.search(r'<nav class="pages".*?</nav>', appeals.text, re.DOTALL)

    assert f'<a href="{home}/appeals?site=lisbon&amp;from=2026-09-01">Appeals</a>' in quality.text
    assert there is not None
    assert f'<a href="{home}?site=lisbon&amp;from=2026-09-01">Quality</a>' in there[0]
    assert 'aria-current="page">Appeals</a>' in there[0]


async def test_the_tables_are_sorted_by_links(reporting: httpx.AsyncClient, appealed: Stream) -> None:
    """By overturn rate unless the address says otherwise."""

    async def auditors(query: str) -> list[str]:
        page = await reporting.get(f"/programmes/{appealed.programme}/appeals{query}")
        assert page.status_code == 200
        return re.findall(r">(qa-\d)</a></th>", page.text)

    assert await auditors("?sort=name") == ["qa-0", "qa-1", "qa-2", "qa-3"]
    assert await auditors("?sort=-name") == ["qa-3", "qa-2", "qa-1", "qa-0"]
    assert sorted(await auditors("")) == sorted(await auditors("?sort=appeal_rate")) == await auditors("?sort=name")
    assert (await reporting.get(f"/programmes/{appealed.programme}/appeals?sort=-accuracy")).status_code == 303
    assert (await reporting.get(f"/programmes/{appealed.programme}/appeals?sort=secret")).status_code == 422


async def test_a_vendors_people_see_their_own_appeals_alone(reporting_app: FastAPI, caller: Caller, appealed: Stream) -> None:
    """Neither another vendor, nor an auditor."""
    page = await caller(reporting_app, Role.VENDOR_POC, vendor="borealis").get(f"/programmes/{appealed.programme}/appeals")

    assert "30 of the audits in the period" in said(page)
    assert not re.search("acme|lisbon|qa-|auditor</", page.text, re.IGNORECASE)


@pytest.mark.parametrize("audits", [0, 1])
async def test_without_appeals_the_page_says_so(reporting: httpx.AsyncClient, reporting_database: Database, audits: int) -> None:
    """And has no chart and no table."""
    stream = Stream()
    for _ in range(audits):
        stream.create()
    await stream.project(reporting_database)
    page = await reporting.get(f"/programmes/{stream.programme}/appeals")

    assert "There are no appeals to show of the audits of this period." in said(page)
    assert "Nothing waits." in said(page)
    assert "<table" not in page.text


async def test_without_decisions_there_is_no_chart_of_overturn_rates(
    reporting: httpx.AsyncClient, reporting_database: Database
) -> None:
    """A sentence in its place; the appeals are drawn."""
    stream = Stream()
    stream.appeal(stream.create(error()))
    await stream.project(reporting_database)
    page = await reporting.get(f"/programmes/{stream.programme}/appeals")

    assert "There are no decided appeals of the audits of this period." in said(page)
    assert "charts/appeals-over-time" in page.text
    assert "charts/overturn-rate-over-time" not in page.text
