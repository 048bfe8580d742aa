"""A stand-in for rca-api's feed: cases that move, their causes, actions and plans, pages of changes."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

import msgspec

from reporting_api.projection.work import apply_work_page, open_work_cursor, work_of
from reporting_api.projection.worker import SERVICE
from tallystick.client import FeedPage
from tallystick.schemas.base import new_id
from tallystick.schemas.case import CaseState
from tallystick.schemas.programme import Programme
from tallystick.service.database import Database

EPOCH = uuid.UUID(int=8)
OPENED = datetime(2026, 9, 28, 9, tzinfo=UTC)
TARGETS = {
    "open": "open",
    "analyse": "analysis",
    "plan": "action_plan",
    "start": "in_progress",
    "verify": "verification",
    "close": CaseState.CLOSED.value,
    "override": "closed",
    "cancel": "cancelled",
    "reopen": "reopened",
}
"""Where each step leads."""


class WorkStream:
    """The stream of one programme's work: every thing stands at the position at which it last changed."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.programme = document["slug"]
        self.position = 0
        self.things: dict[str, dict[str, dict[str, Any]]] = {"case": {}, "cause": {}, "action": {}, "plan": {}, "message": {}}

    def open(self, vendor: str | None = "acme", at: datetime = OPENED, **fields: Any) -> str:
        """A new case."""
        case = {
            "id": str(new_id()),
            "vendor": vendor,
            "title": "More missed violations",
            "state": "open",
            "measure": "error_rate",
            "priority": "normal",
            "owner": "qm",
            "scope": {"vendor": [vendor] if vendor else []},
            "baseline": {"from": str(at.date() - timedelta(days=84)), "to": str(at.date() - timedelta(days=28))},
            "opened_at": at.isoformat(),
            "due_at": (at + timedelta(days=5)).isoformat(),
            "watch_until": None,
            "override": None,
            "moves": [{"step": "open", "state": "open", "at": at.isoformat(), "due_at": None}],
            **fields,
        }
        return self.show("case", case)

    def move(self, case_id: str, step: str, at: datetime, **fields: Any) -> None:
        """Take a step with a case."""
        case = self.things["case"][case_id]
        moved = {"step": step, "state": TARGETS[step], "at": at.isoformat(), "due_at": case["due_at"]}
        self.show("case", {**case, "state": TARGETS[step], "moves": [*case["moves"], moved], **fields})

    def cause(self, case_id: str, code: str = "policy_unclear", **fields: Any) -> str:
        """A cause of a case, accepted."""
        cause = {"id": str(new_id()), "case_id": case_id, "audience": "vendor", "state": "accepted", "code": code}
        return self.show("cause", cause | {"category": "policy", "share": None} | fields)

    def action(self, case_id: str, due: datetime, **fields: Any) -> str:
        """An action on a case."""
        case = self.things["case"][case_id]
        action = {"id": str(new_id()), "case_id": case_id, "vendor": case["vendor"], "kind": "corrective", "title": "Train"}
        action |= {"owner": "anna", "owner_vendor": case["vendor"], "state": "open", "opened_at": case["opened_at"]}
        return self.show("action", action | {"due_at": due.isoformat(), "done_at": None} | fields)

    def plan(self, case_id: str, judge_on: date, **fields: Any) -> str:
        """The plan of a case."""
        case = self.things["case"][case_id]
        plan = {"id": case_id, "case_id": case_id, "vendor": case["vendor"], "judge_on": str(judge_on)}
        return self.show("plan", plan | {"verdict": None, "judged_at": None} | fields)

    def change(self, noun: str, thing_id: str, **fields: Any) -> None:
        """Give a thing other values."""
        self.show(noun, self.things[noun][thing_id] | fields)

    def show(self, noun: str, thing: dict[str, Any]) -> str:
        """A thing, as it stands from now on."""
        self.position += 1
        self.things[noun][thing["id"]] = {**thing, "position": self.position}
        return str(thing["id"])

    def pages(self, after: int = 0, limit: int = 1000) -> Iterator[FeedPage]:
        """What a reader at a position is shown, page by page."""
        due = [
            {"noun": noun, "id": key, "position": thing["position"], "data": thing}
            for noun, things in self.things.items()
            for key, thing in things.items()
            if thing["position"] > after
        ]
        due.sort(key=lambda change: change["position"])
        for start in range(0, max(len(due), 1), limit):
            changes, more = due[start : start + limit], start + limit < len(due)
            position = changes[-1]["position"] if more else self.position
            content = msgspec.Raw(msgspec.json.encode(changes))
            yield FeedPage(self.programme, str(EPOCH), content, f"cursor-{position}", position, more)

    async def project(self, database: Database, *, limit: int = 1000, pages: int | None = None) -> None:
        """Apply everything that is not yet applied, or the first pages of it."""
        async with database.writing(SERVICE) as session:
            cursor = await open_work_cursor(session, Programme.model_validate(self.document))
        for page in islice(self.pages(cursor.position, limit), pages):
            async with database.writing(SERVICE) as session:
                cursor = await apply_work_page(session, cursor, page, work_of(page.changes))
