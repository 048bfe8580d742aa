"""Actions and plans over HTTP: agreed on, done, verified; registered, judged."""

from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from cases import asked, brought, done, opened, stepped
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal

Json = dict[str, Any]

EVERYBODY = Principal("tests", frozenset({Role.SERVICE}), frozenset({"*"}), None, "")
NEW = {"kind": "corrective", "title": "Train the night shift", "owner": "pia", "owner_vendor": "acme"}
ZONE = "Europe/Berlin"
"""Of the programme of tests."""
EFFECT = {
    "measure": "error_rate",
    "scope": {"site": ["lisbon"]},
    "baseline": {"from": "2026-08-03", "to": "2026-08-31", "time_zone": ZONE},
    "verification": {"from": "2190-01-04", "to": "2190-02-01", "time_zone": ZONE},
    "wanted": 0.5,
    "minimum_sample": 50,
}


async def agreed(client: httpx.AsyncClient, case: Json, **changes: Any) -> Json:
    """A new action of a case."""
    return await done(asked(client, case, "POST", "/actions", NEW | changes))


async def moved(client: httpx.AsyncClient, action: Json, step: str, if_match: str | None = "*", **more: Any) -> httpx.Response:
    """The answer to moving an action on, with the words that each step needs."""
    said: Json = {"complete": {"evidence": [{"reference": "attendance"}]}, "reject": {"note": "No."}, "cancel": {"note": "No."}}
    where, headers = {"programme": action["programme"]}, {} if if_match is None else {"If-Match": if_match}
    body = {"step": step} | said.get(step, {}) | more
    return await client.post(f"/v1/actions/{action['id']}/steps", params=where, json=body, headers=headers)


async def changed(client: httpx.AsyncClient, action: Json, **changes: Any) -> httpx.Response:
    """The answer to changing an action."""
    where = {"programme": action["programme"]}
    return await client.patch(f"/v1/actions/{action['id']}", params=where, json=changes, headers={"If-Match": "*"})


async def registered(client: httpx.AsyncClient, case: Json, if_match: str | None = None, **changes: Any) -> httpx.Response:
    """The answer to registering how the effect of a case's actions will be judged."""
    headers = {} if if_match is None else {"If-Match": if_match}
    where = {"programme": case["programme"]}
    return await client.put(f"/v1/cases/{case['id']}/plan", params=where, json=EFFECT | changes, headers=headers)


async def started(client: httpx.AsyncClient, programme: str, case: Json | None = None, **changes: Any) -> tuple[Json, Json]:
    """A case on whose only action the work has started, and that action."""
    case = await brought(client, case or await opened(client, programme))
    action = await agreed(client, case)
    assert (await registered(client, case, **changes)).is_success
    return await done(stepped(client, case, "start")), action


async def notices(client: httpx.AsyncClient, programme: str, *kinds: str, **params: Any) -> list[Json]:
    """What people were told, oldest first; of some kinds alone, or all."""
    where = {"programme": programme, "limit": 500, "kind": list(kinds), **params}
    found: list[Json] = (await done(client.get("/v1/notices", params=where)))["items"]
    return found[::-1]


async def run(rca_app: FastAPI, statement: str, **values: Any) -> None:
    """Change rows behind the service's back."""
    async with rca_app.state.database.writing(EVERYBODY) as session:
        await session.execute(text(statement), values)
