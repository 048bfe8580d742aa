"""Calibration sessions as tests draft, rate and review them."""

import json
from collections.abc import Sequence
from typing import Any

import httpx

SESSIONS = "/v1/calibration-sessions"
DEADLINE = "2126-09-01T12:00:00Z"


def session_document(*raters: tuple[str, str | None], **changes: Any) -> dict[str, Any]:
    """A session about what to do with an item; raters by subject and vendor."""
    document: dict[str, Any] = {
        "title": "Harassment in live streams",
        "question": "Which action does the policy ask for?",
        "scale": {"level": "nominal", "categories": ["keep", "restrict", "remove"], "about": "action"},
        "raters": [{"subject": subject, "vendor": vendor} for subject, vendor in raters],
        "deadline": DEADLINE,
    }
    return document | changes


class Facilitator:
    """Who drafts a session and moves it on."""

    def __init__(self, client: httpx.AsyncClient, programme: str) -> None:
        self.client = client
        self.where = {"programme": programme}

    async def draft(self, items: Sequence[dict[str, Any]] = (), **document: Any) -> str:
        """Draft a session with items; answers its id."""
        drafted = await self.client.post(SESSIONS, params=self.where, json=document)
        assert drafted.status_code == 201, drafted.text
        session: str = drafted.json()["id"]
        if items:
            added = await self.client.post(f"{SESSIONS}/{session}/items", params=self.where, json={"items": list(items)})
            assert added.status_code == 201, added.text
        return session

    async def move(self, session: str, step: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Take a step (`opening`, `review`, `conclusion`) from whatever revision stands."""
        return await self.client.post(f"{SESSIONS}/{session}/{step}", params=self.where, json=body, headers={"If-Match": "*"})

    async def moved(self, session: str, *steps: str) -> dict[str, Any]:
        """Take steps that are to succeed; answers the session."""
        answer = await self.client.get(f"{SESSIONS}/{session}", params=self.where)
        for step in steps:
            answer = await self.move(session, step, {"conclusion": "Threats are removed."} if step == "conclusion" else None)
            assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def benchmark(self, session: str, number: int, value: str, **more: Any) -> httpx.Response:
        """Set the benchmark of an item."""
        return await self.client.put(
            f"{SESSIONS}/{session}/items/{number}/benchmark",
            params=self.where,
            json={"value": value, "by": "consensus", **more},
            headers={"If-Match": "*"},
        )

    async def golden(self, session: str, number: int) -> httpx.Response:
        """Hide an item in everyday work."""
        return await self.client.put(f"{SESSIONS}/{session}/items/{number}/golden", params=self.where)


class Hand:
    """Who rates."""

    def __init__(self, client: httpx.AsyncClient, programme: str, session: str) -> None:
        self.client = client
        self.where = {"programme": programme}
        self.address = f"{SESSIONS}/{session}"

    async def rate(self, number: int, value: str, **more: Any) -> httpx.Response:
        """Rate an item."""
        return await self.client.put(f"{self.address}/items/{number}/rating", params=self.where, json={"value": value, **more})

    async def rate_all(self, rows: Sequence[dict[str, Any]] | bytes) -> httpx.Response:
        """Rate many items at once."""
        body = rows if isinstance(rows, bytes) else b"\n".join(json.dumps(row).encode() for row in rows)
        return await self.client.post(
            f"{self.address}/rating-batches",
            params=self.where,
            content=body,
            headers={"Content-Type": "application/x-ndjson"},
        )

    async def withdraw(self, number: int) -> httpx.Response:
        """Take a rating back."""
        return await self.client.delete(f"{self.address}/items/{number}/rating", params=self.where)

    async def items(self) -> list[dict[str, Any]]:
        """The items as this rater sees them."""
        answer = await self.client.get(f"{self.address}/items", params=self.where)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found
