"""A draw in a running product: its plan is published and its decisions taken in by a clock that is set back."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx
import orjson

from factories import decision_row
from tallystick_embedded.clock import put_clock

DECISIONS = 40


async def draw_by_queue(
    system: Any, admin: httpx.AsyncClient, where: dict[str, str], languages: tuple[str, str] = ("es", "es")
) -> None:
    """Publish a plan before its day, take the day's decisions in on its evening, and draw today: ten of either queue.

    Args:
        system: with a clock of audit-api that can be set.
        admin: of audit-api, for an admin.
        where: the parameters that name the programme.
        languages: of the decisions in the queues `comments` and `live`.
    """
    day = datetime.now(UTC).date() - timedelta(days=3)
    evening = datetime.combine(day, time(20, tzinfo=UTC))

    def at(moment: datetime) -> None:
        put_clock(system.shift_of_audit, moment - datetime.now(UTC))

    try:
        at(evening - timedelta(days=1))
        new = {"title": "Every queue, every day", "strata": ["queue"], "period": "day", "starts_on": day.isoformat()}
        more = {"ends_on": day.isoformat(), "settle_hours": 48, "allocation": {"kind": "fixed", "each": 10}}
        plan = await done(admin.post("/sampling-plans", params=where, json=new | more))
        await done(admin.post(f"/sampling-plans/{plan['id']}/publication", params=where, headers={"If-Match": "*"}))
        at(evening)
        decided = (evening - timedelta(hours=8)).isoformat()
        rows = [
            decision_row(
                f"D-{number}",
                decided_at=decided,
                queue=("comments", "live")[number % 2],
                language=languages[number % 2],
                moderator=f"m-{number % 5}",
                content_ref=f"https://content.example/items/{number}",
                render_hints=["blur", "mute"],
            )
            for number in range(DECISIONS)
        ]
        body = b"\n".join(map(orjson.dumps, rows))
        kind = {"Content-Type": "application/x-ndjson"}
        await done(admin.post("/decision-batches", params=where | {"source": "file"}, content=body, headers=kind))
    finally:
        put_clock(system.shift_of_audit, timedelta())
    [draw] = (await done(admin.get("/draws", params=where)))["items"]
    drawn = await admin.post(f"/draws/{draw['id']}/drawing", params=where)
    assert drawn.status_code == 200 or (await done(admin.get(f"/draws/{draw['id']}", params=where)))["state"] == "drawn"


async def done(answering: Any) -> Any:
    """The body of an answer that must be a success."""
    answer = await answering
    assert answer.is_success, answer.text
    return answer.json()
