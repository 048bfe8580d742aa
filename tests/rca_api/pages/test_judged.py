"""A plan that was judged, on the page of its case: the verdict with its numbers and chart, what is needed, and closing it."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from actions import ZONE, moved, started
from appeals import Clock
from cases import done, stepped
from dashboard_browser import Person, said
from factories import audit_row, missed
from rca_api.plans.judging import judge
from reporting_api.projection.worker import rebuild
from reporting_api.settings import ReportingSettings
from tallystick.client import Tallystick
from tallystick.service.database import Database

BEGAN, OVER = datetime(2026, 9, 14, 8, tzinfo=UTC), datetime(2026, 10, 11, 22, tzinfo=UTC)
WINDOWS = {
    "baseline": {"from": "2026-08-03", "to": "2026-08-31", "time_zone": ZONE},
    "verification": {"from": "2026-09-14", "to": "2026-10-12", "time_zone": ZONE},
}


def _audits(each_week: int, before: int, after: int, elsewhere: int) -> list[dict[str, Any]]:
    """Four weeks in both windows at two sites of acme: in a week so many audits, at lisbon so many wrong, and at cairo."""
    rows = []
    for first, wrong in ((date(2026, 8, 3), before), (date(2026, 9, 14), after)):
        for week in range(4):
            day = first + timedelta(weeks=week, days=2)
            times = {"decided_at": f"{day}T08:00:00Z", "audited_at": f"{day}T10:00:00Z"}
            for site, errors in (("lisbon", wrong), ("cairo", elsewhere)):
                for number in range(each_week):
                    make = missed if number < errors else audit_row
                    rows.append(make(f"{day}-{site}-{number}", site=site, vendor="acme", **times))
    return rows


@pytest.fixture
def judging(
    rca: httpx.AsyncClient, audit: httpx.AsyncClient, client: Tallystick, database: Database, clock: Clock,
    reporting_settings: ReportingSettings, manager: Person, programme: str,
) -> Callable[[list[dict[str, Any]]], Awaitable[str]]:  # fmt: skip
    """Bring a case to its verification and let its plan be judged on such audits; answers the path of its page."""

    async def judged(rows: list[dict[str, Any]]) -> str:
        clock.now = BEGAN
        case, action = await started(rca, programme, **WINDOWS)
        path = f"/cases/{case['id']}"
        (await audit.post("/v1/audit-batches", params={"programme": programme}, json=rows)).raise_for_status()
        await rebuild(reporting_settings, programme)
        finished = await done(moved(rca, action, "complete"))
        fields = {"step": "verify", "revision": str(finished["revision"])}
        assert (await manager.sends(f"{path}/actions/{action['id']}/steps", "verify", **fields)).status_code == 303
        await done(stepped(rca, case, "verify"))
        clock.now = OVER
        await judge(database, client, clock)
        return path

    return judged


async def sent(manager: Person, rca: httpx.AsyncClient, path: str, below: str, form: str, **fields: str) -> httpx.Response:
    """A form of the page of a case, about the case or its plan as they stand."""
    where = {"programme": manager.home.rpartition("/")[2]}
    about = f"/v1{path}/plan" if "plan" in below else f"/v1{path}"
    revision = (await rca.get(about, params=where)).json()["revision"]
    return await manager.sends(f"{path}{below}", form, revision=str(revision), **fields)


async def test_an_effect_that_is_shown_closes_the_case(
    judging: Callable[[list[dict[str, Any]]], Awaitable[str]], manager: Person, poc: Person, rca: httpx.AsyncClient
) -> None:
    """Both sides read the verdict with its numbers, their interval and the chart."""
    path = await judging(_audits(50, 15, 3, 5))

    ours, theirs = await manager.opens(path), await poc.opens(path)
    closed = await sent(manager, rca, path, "/closure", "step-close", conclusion="The night shift is trained.")
    after = said(await manager.opens(path))

    for page in (ours, theirs):
        text = said(page)
        assert "✓ Effective judged 12 Oct 2026, 00:00" in text
        assert "In the scope 30.0 % before (60 of 200) and 6.0 % after (12 of 200); in the rest 10.0 % and 10.0 %." in text
        assert re.search(r"Beyond the rest it fell by 80\.0 % \(\d+\.\d-\d+\.\d %\)\.", text)
        assert re.search(r'data-spec="/reporting/v1/charts/effect\?[^"]*site=lisbon', page.text)
        assert "Put off the end" not in text
    assert "Not yet:" not in said(ours)
    assert closed.status_code == 303
    assert "The night shift is trained." in after
    assert "Watched until" in after


async def test_what_cannot_be_decided_yet_says_how_much_is_missing(
    judging: Callable[[list[dict[str, Any]]], Awaitable[str]], manager: Person, poc: Person, rca: httpx.AsyncClient
) -> None:
    """Its window ends later, or the case is closed nevertheless, with a reason that stays on record."""
    path = await judging(_audits(20, 5, 2, 5))

    ours, theirs = said(await manager.opens(path)), said(await poc.opens(path))
    early = await sent(manager, rca, path, "/plan/extensions", "extend", to="2026-10-12", reason="Too few audits.")
    extended = await sent(manager, rca, path, "/plan/extensions", "extend", to="2026-11-09", reason="Too few audits.")
    unsaid = await sent(manager, rca, path, "/closure", "step-override", conclusion="It looks better.")
    reasons = {"conclusion": "It looks better.", "override": "The queue is gone."}
    refused = await sent(manager, rca, path, "/closure", "step-close", conclusion="It looks better.")
    closed = await sent(manager, rca, path, "/closure", "step-override", **reasons)
    after = said(await manager.opens(path))

    for text in (ours, theirs):
        assert "~ Not yet decidable" in text
        assert "About 140 further audits should decide it." in text
    assert re.search(r"it fell by 60\.0 % \(from a rise of [\d.]+ % to a fall of [\d.]+ %\)", ours)
    assert "Not yet: ✗ The effect was judged not yet decidable." in ours
    assert "Put off the end" not in theirs
    assert early.status_code == 409
    assert 'id="extend-to-wrong"' in early.text
    assert extended.headers["location"] == f"{manager.home}{path}#plan"
    assert [answer.status_code for answer in (unsaid, refused, closed)] == [409, 409, 303]
    assert "Extended from 12 Oct 2026 to 9 Nov 2026 by manager: Too few audits." in after
    assert "Closed nevertheless The queue is gone." in after
