"""The pages of sampling: plans and draws, to each what is theirs to see."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from appeals import Clock
from audit_api.pages import sampling
from dashboard_browser import Person, said
from sampling import drawn
from tallystick.schemas.principal import Role


async def test_a_draw_shows_its_commitment_its_key_and_its_strata(
    audit_app: FastAPI, audit: httpx.AsyncClient, clock: Clock, programme: str, person: Callable[..., Person]
) -> None:
    """To the client all of it, to a vendor its own part: no stratum, no receipt and no name of another."""
    made = await drawn(audit_app, audit, clock, programme)
    path = f"/sampling/draws/{made.draw['id']}"
    manager, auditor = person(Role.QUALITY_MANAGER), person(Role.AUDITOR, subject="qa-1")
    poc = person(Role.VENDOR_POC, vendor="acme", subject="poc")
    plans, whole, part = await manager.opens("/sampling"), await manager.opens(path), await poc.opens(path)

    assert "Everyday" in said(plans)
    assert "version 1" in said(plans)
    assert f'href="{manager.home}{path}"' in plans.text
    assert made.draw["commitment"] in whole.text
    assert made.draw["key"] in whole.text
    assert "vendor=borealis" in whole.text
    assert made.draw["key"] in part.text
    assert "vendor=acme" in part.text
    assert "borealis" not in part.text.lower()
    assert "Plans" not in said(await poc.opens("/sampling"))
    assert "/receipt" not in (await auditor.opens(path)).text


async def test_what_a_page_leaves_out_it_says(
    audit_app: FastAPI,
    audit: httpx.AsyncClient,
    clock: Clock,
    programme: str,
    person: Callable[..., Person],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of many draws the newest are shown; where that is all of them, nothing is said."""
    await drawn(audit_app, audit, clock, programme)
    manager = person(Role.QUALITY_MANAGER)
    whole = said(await manager.opens("/sampling"))
    monkeypatch.setattr(sampling, "MOST_DRAWS", 1)
    part = said(await manager.opens("/sampling"))

    assert "API has all" not in whole
    assert "the newest 1 draw" in part
    assert "The newest 1 of them; the API has all." in part


async def test_a_committed_draw_keeps_its_key(
    audit_app: FastAPI, audit: httpx.AsyncClient, clock: Clock, programme: str, person: Callable[..., Person]
) -> None:
    """Its page says after when it is told."""
    made = await drawn(audit_app, audit, clock, programme)
    [later] = [
        each
        for each in (await audit.get("/v1/draws", params={"programme": programme, "state": "committed"})).json()["items"]
        if each["plan_id"] == made.plan["id"]
    ][:1]

    page = await person(Role.QUALITY_MANAGER).opens(f"/sampling/draws/{later['id']}")

    assert later["commitment"] in page.text
    assert "told once it is drawn" in said(page)
    assert "/receipt" not in page.text
