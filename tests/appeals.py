"""Appeals as tests raise and move them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from batches import ids, pushed
from factories import missed, programme_document

Appeal = dict[str, Any]

CORRECT = {"verdict": "correct"}


@dataclass
class People:
    """Who takes part in appeals."""

    recorder: httpx.AsyncClient
    poc: httpx.AsyncClient
    other_poc: httpx.AsyncClient
    adjudicator: httpx.AsyncClient
    arbitrator: httpx.AsyncClient
    admin: httpx.AsyncClient


class Clock:
    """A clock that stands still, and moves when it is told to."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> datetime:
        """Let so much time pass, and answer what time it is then."""
        self.now += timedelta(**by)
        return self.now


@contextmanager
def moved_by_hand(app: FastAPI) -> Iterator[Clock]:
    """Give a service a clock that the test moves."""
    machine = app.state.clock
    app.state.clock = Clock()
    yield app.state.clock
    app.state.clock = machine


def new_appeal(audit_id: str, **changes: Any) -> dict[str, Any]:
    """An appeal that calls the moderator's decision correct."""
    appeal = {"audit_id": audit_id, "ground": "context_missed", "comment": "Satire.", "evidence": ["case-7"], "proposed": CORRECT}
    return appeal | changes


async def recorded(client: httpx.AsyncClient, programme: str, *external_ids: str, **changes: Any) -> list[str]:
    """The ids of new audits that found an error each."""
    return [
        str(audit_id) for audit_id in ids(await pushed(client, programme, [missed(each, **changes) for each in external_ids]))
    ]


async def submit(client: httpx.AsyncClient, programme: str, audit_id: str, **changes: Any) -> httpx.Response:
    """Raise an appeal."""
    return await client.post("/v1/appeals", params={"programme": programme}, json=new_appeal(audit_id, **changes))


async def submitted(client: httpx.AsyncClient, programme: str, audit_id: str, **changes: Any) -> Appeal:
    """Raise an appeal that is to be taken."""
    answer = await submit(client, programme, audit_id, **changes)
    assert answer.status_code == 201, answer.text
    appeal: Appeal = answer.json()
    return appeal


async def claim(client: httpx.AsyncClient, programme: str, **filters: Any) -> Appeal | None:
    """Claim the next appeal; None where there is none."""
    answer = await client.post("/v1/appeal-claims", params={"programme": programme, **filters})
    assert answer.status_code in {200, 204}, answer.text
    return answer.json() if answer.content else None


async def step(
    client: httpx.AsyncClient, programme: str, appeal: Appeal, name: str, body: Any = None, *, if_match: str | None = ""
) -> httpx.Response:
    """Take a step, by the last part of its address, with the version that `appeal` was read in."""
    headers = {} if if_match is None else {"If-Match": if_match or f'"{appeal["revision"]}"'}
    return await client.post(f"/v1/appeals/{appeal['id']}/{name}", params={"programme": programme}, json=body, headers=headers)


async def decide(client: httpx.AsyncClient, programme: str, appeal: Appeal, outcome: str, **more: Any) -> httpx.Response:
    """Decide an appeal."""
    return await step(client, programme, appeal, "decision", {"outcome": outcome, "reason": f"It is {outcome}."} | more)


async def configure(people: People, programme: str, **changes: Any) -> None:
    """Change the programme's document."""
    document = programme_document(programme, **changes)
    answer = await people.admin.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
