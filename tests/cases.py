"""Root-cause cases over HTTP: opened, moved on, given causes."""

from typing import Any

import httpx

NEW = {"vendor": "acme", "title": "Harassment missed at lisbon", "scope": {"site": ["lisbon"], "error_code": ["FN-HARASS"]}}
SHOWN = [{"kind": "document", "reference": "shift-plan-39", "note": "Nobody was trained"}]
ON_THE_WAY = {
    "open": (),
    "analysis": ("analyse",),
    "action_plan": ("analyse", "plan"),
}
"""States that need nothing but a cause, and the steps that lead there."""


async def opened(client: httpx.AsyncClient, programme: str, **changes: Any) -> dict[str, Any]:
    """A new case."""
    return await done(client.post("/v1/cases", params={"programme": programme}, json=NEW | changes))


async def done(answer: Any) -> dict[str, Any]:
    """The body of a request that has to succeed."""
    response: httpx.Response = await answer
    assert response.is_success, response.text
    body: dict[str, Any] = response.json()
    return body


async def asked(
    client: httpx.AsyncClient, case: dict[str, Any], method: str, path: str, body: Any = None, if_match: str | None = "*"
) -> httpx.Response:
    """The answer to a request about a case, at an address below its own."""
    headers = {} if if_match is None or method not in {"POST", "PATCH"} else {"If-Match": if_match}
    where = {"programme": case["programme"]}
    return await client.request(method, f"/v1/cases/{case['id']}{path}", params=where, json=body, headers=headers)


async def stepped(
    client: httpx.AsyncClient, case: dict[str, Any], step: str, note: str | None = None, if_match: str | None = "*"
) -> httpx.Response:
    """The answer to moving a case on."""
    return await asked(client, case, "POST", "/steps", {"step": step, "note": note}, if_match)


async def caused(client: httpx.AsyncClient, case: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A root cause with evidence, accepted."""
    cause = {"code": "training_gap", "share": 0.2, "evidence": SHOWN} | changes
    proposed = await done(asked(client, case, "POST", "/causes", cause))
    return await done(asked(client, case, "POST", f"/causes/{proposed['id']}/decision", {"outcome": "accepted"}))


async def brought(client: httpx.AsyncClient, case: dict[str, Any], state: str = "action_plan") -> dict[str, Any]:
    """A case in one of the states that lie on the way."""
    for step in ON_THE_WAY[state]:
        if step == "plan":
            await caused(client, case)
        case = await done(stepped(client, case, step))
    return case


async def closed(client: httpx.AsyncClient, case: dict[str, Any], if_match: str | None = "*", **changes: Any) -> httpx.Response:
    """The answer to closing a case, whatever is missing."""
    closure = {"conclusion": "The policy text was ambiguous.", "override": "Nothing is left to do."} | changes
    return await asked(client, case, "POST", "/closure", closure, if_match)
