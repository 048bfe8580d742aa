"""The page of people: coaching arranged, written down and answered; objectives with how they stand."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from conftest import asking, listening
from dashboard_browser import Person, said
from factories import audit_row, missed
from reporting_api.projection.worker import rebuild
from reporting_api.settings import ReportingSettings
from tallystick.schemas.principal import Role

SESSION = {"title": "Satire or not", "person": "mod-17", "vendor": "acme", "planned_for": "2026-12-01T09:30"}
OBJECTIVE = {
    "title": "Lisbon gets better", "of": "site", "name": "lisbon", "vendor": "acme", "measure": "accuracy", "target": "85",
    "from": "2026-08-31", "to": "2026-09-07",
}  # fmt: skip


@pytest.fixture
async def counted(
    audit: httpx.AsyncClient, rca_app: FastAPI, reporting_app: FastAPI, reporting_settings: ReportingSettings, programme: str
) -> AsyncIterator[None]:
    """A week of audits that reporting-api has counted: of 40 at lisbon one wrong."""
    rows = [(missed if number < 1 else audit_row)(f"A-{number}", site="lisbon", vendor="acme") for number in range(40)]
    (await audit.post("/v1/audit-batches", params={"programme": programme}, json=rows)).raise_for_status()
    await rebuild(reporting_settings, programme)
    async with listening(reporting_app) as address, asking(rca_app, address):
        yield


async def sessions(rca: httpx.AsyncClient, programme: str) -> list[dict[str, Any]]:
    """The coaching sessions as the API shows them."""
    found: list[dict[str, Any]] = (await rca.get("/v1/coaching-sessions", params={"programme": programme})).json()["items"]
    return found


async def test_coaching_goes_from_arranged_to_agreed(
    manager: Person, person: Callable[..., Person], rca: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    """A manager arranges it for a case and writes it down; the coached person alone answers, and both read what was said."""
    programme = case["programme"]
    coached = person(Role.VENDOR_POC, vendor="acme", subject="mod")
    arranged = await manager.sends("/people/coaching", "arrange", **SESSION, subject="mod", case_id=case["id"])
    [session] = await sessions(rca, programme)
    below = f"/people/coaching/{session['id']}"
    before = await coached.opens("/people")
    notes = {"notes": "We read three examples.", "commitments": "Read the clause\n\nAsk when unsure", "revision": "1"}
    held = await manager.sends(f"{below}/notes", "notes", **notes)
    ours, theirs = await manager.opens("/people"), await coached.opens("/people")
    answered = await coached.sends(f"{below}/answer", "answer", theirs, agreed="true", text="So it was", revision="2")
    after = said(await manager.opens("/people"))

    assert arranged.headers["location"] == f"{manager.home}/people#coaching"
    assert session["planned_for"] == "2026-12-01T08:30:00Z"
    assert "planned for 1 Dec 2026, 09:30" in said(before)
    assert "Write down what was said" not in before.text
    assert f'href="{manager.home}/cases/{case["id"]}">Harassment missed at lisbon' in before.text
    assert (held.status_code, answered.status_code) == (303, 303)
    assert 'name="agreed"' in theirs.text
    assert 'name="agreed"' not in ours.text
    assert "Ask when unsure" in ours.text
    assert "Agreed by mod" in after
    assert "So it was" in after
    assert [each["state"] for each in await sessions(rca, programme)] == ["agreed"]


async def test_what_is_wrong_stands_beside_its_field(manager: Person, rca: httpx.AsyncClient, programme: str) -> None:
    """In words, tied to the field for those who hear the page, with everything that was typed."""
    answer = await manager.sends("/people/coaching", "arrange", **SESSION | {"title": "", "audits": "no-id"}, coach="ann")
    unknown = await manager.sends("/people/coaching", "arrange", **SESSION | {"vendor": ""})

    assert (answer.status_code, unknown.status_code) == (422, 409)
    assert 'aria-invalid="true" aria-describedby="arrange-title-wrong"' in answer.text
    assert 'aria-describedby="arrange-audits-hint arrange-audits-wrong"' in answer.text
    assert 'id="arrange-audits-wrong"' in answer.text
    assert 'value="ann"' in answer.text
    assert 'value="2026-12-01T09:30"' in answer.text
    assert 'id="arrange-subject-wrong"><span aria-hidden="true">✗</span> The client' in unknown.text
    assert await sessions(rca, programme) == []


async def test_a_point_of_contact_coaches_their_own_people_and_no_others(
    poc: Person, person: Callable[..., Person], rca: httpx.AsyncClient, programme: str
) -> None:
    """Their vendor is not to be chosen, and a foreign one sees nothing; a session is cancelled with a reason."""
    other = person(Role.VENDOR_POC, vendor="borealis", subject="other")
    page = await poc.opens("/people")
    arranged = await poc.sends("/people/coaching", "arrange", page, **SESSION | {"vendor": "borealis"})
    [session] = await sessions(rca, programme)
    below = f"/people/coaching/{session['id']}/cancellation"
    foreign = await other.sends(below, "cancel", await other.opens("/people"), reason="Ours", revision="1")
    without = await poc.sends(below, f"cancel-{session['id']}", page, revision="1")
    cancelled = await poc.sends(below, "cancel", page, reason="Ill", revision="1")

    assert 'id="arrange-vendor"' not in page.text
    assert "Set an objective" not in page.text
    assert (arranged.status_code, session["vendor"], session["coach"]) == (303, "acme", "poc")
    assert foreign.status_code == 404
    assert "Satire" not in (await other.opens("/people")).text
    assert (without.status_code, cancelled.status_code) == (422, 303)
    assert f'id="cancel-{session["id"]}-reason-wrong"' in without.text
    assert "Cancelled: Ill" in said(await poc.opens("/people"))


@pytest.mark.usefixtures("counted")
async def test_an_objective_is_set_and_read_with_its_standing(
    manager: Person, poc: Person, person: Callable[..., Person], rca: httpx.AsyncClient, programme: str
) -> None:
    """By the interval of the number; a vendor reads its own, and auditors no numbers. Taken back, it is gone."""
    unknown = await manager.sends("/people/objectives", "objective", **OBJECTIVE | {"name": "krakow"})
    answer = await manager.sends("/people/objectives", "objective", **OBJECTIVE)
    await manager.sends("/people/objectives", "objective", **OBJECTIVE | {"title": "Between us", "vendor": "", "target": "99"})
    ours, theirs = said(await manager.opens("/people")), said(await poc.opens("/people"))
    found = (await rca.get("/v1/objectives", params={"programme": programme, "vendor": "acme"})).json()["items"]
    ended = await manager.sends(f"/people/objectives/{found[0]['id']}/end", "end", revision="1")

    assert unknown.status_code == 409
    assert 'id="objective-name-wrong"' in unknown.text
    assert answer.headers["location"] == f"{manager.home}/people#objectives"
    assert "✓ Met A site: lisbon. Accuracy at least 85 %; 31 Aug 2026 to 6 Sep 2026 (7 days)." in ours
    assert "97.5 % (87.1-99.6 %; 39 of 40)" in ours
    assert "~ Undecided" in ours
    assert "Lisbon gets better" in theirs
    assert "Between us" not in theirs
    assert "Objectives" not in said(await person(Role.AUDITOR, subject="judge").opens("/people"))
    assert ended.status_code == 303
    assert "Lisbon gets better" not in (await manager.opens("/people")).text


async def test_without_numbers_the_page_shows_the_rest(manager: Person, rca: httpx.AsyncClient, programme: str) -> None:
    """And says that they cannot be read now."""
    period = {"from": "2026-08-31", "to": "2026-09-07", "time_zone": "Europe/Berlin"}
    new = {"title": "Better", "of": "site", "name": "lisbon", "target": 0.9, "period": period}
    (await rca.post("/v1/objectives", params={"programme": programme}, json=new)).raise_for_status()

    page = said(await manager.opens("/people"))

    assert "~ Not readable now" in page
    assert "None is arranged." in page
