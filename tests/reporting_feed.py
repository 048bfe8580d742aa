"""A stand-in for audit-api's feed: audits that are created, revised, appealed and erased, other things, pages of changes."""

import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

import msgspec

from factories import programme_document
from reporting_api.projection.cursors import apply_page, open_cursor
from reporting_api.projection.page import read_changes
from reporting_api.projection.worker import SERVICE
from tallystick.client import FeedPage
from tallystick.schemas.base import new_id
from tallystick.schemas.programme import Programme
from tallystick.service.database import Database

EPOCH = uuid.UUID(int=7)
JUDGEMENT = ("verdict", "error_class", "error_code", "severity", "quality_score")
CORRECT: dict[str, Any] = dict.fromkeys(JUDGEMENT) | {"verdict": "correct"}


def error(code: str = "FN-HARASS", error_class: str = "false_negative", severity: str | None = "major") -> dict[str, Any]:
    """The judgement of a wrong decision."""
    return CORRECT | {"verdict": "incorrect", "error_class": error_class, "error_code": code, "severity": severity}


class Stream:
    """The stream of one programme: every audit stands at the position at which it last changed."""

    def __init__(self, programme: str | None = None, **document: Any) -> None:
        self.programme = programme or f"r-{new_id().hex[-16:]}"
        self.document = programme_document(self.programme, **document)
        self.position = 1
        self.audits: dict[str, dict[str, Any]] = {}
        self.appeals: dict[str, dict[str, Any]] = {}
        self.others: dict[str, dict[str, dict[str, Any]]] = {}
        """Further things, by noun and id."""

    def create(self, judgement: dict[str, Any] | None = None, **fields: Any) -> str:
        """A new audit."""
        audit_id = str(new_id())
        day = fields.pop("day", date(2026, 9, 1))
        self.audits[audit_id] = {
            "id": audit_id,
            "vendor": "acme",
            "site": "lisbon",
            "queue": "live",
            "market": "ES",
            "language": "es",
            "policy": "harassment",
            "audit_party": "client",
            "automated_detection": False,
            "moderator": "m-1",
            "auditor": "qa-1",
            "audited_at": datetime.combine(day, time(12), UTC).isoformat(),
            "handling_time_s": 30,
            "stratum": None,
            "inclusion_probability": None,
            "first_scored": None,
            **(judgement or CORRECT),
            **fields,
        }
        self._advance(self.audits, audit_id)
        return audit_id

    def revise(self, audit_id: str, judgement: dict[str, Any]) -> None:
        """Judge an audit anew."""
        audit = self.audits[audit_id]
        first = audit["first_scored"] or {name: audit[name] for name in JUDGEMENT}
        self._advance(self.audits, audit_id, judgement | {"first_scored": first})

    def appeal(self, audit_id: str, **fields: Any) -> str:
        """A new appeal of an audit, as it stands."""
        audit, appeal_id = self.audits[audit_id], str(new_id())
        self._advance(
            self.appeals,
            appeal_id,
            {
                "audit_id": audit_id,
                **{name: audit[name] for name in ("vendor", "error_class", "error_code", "severity")},
                "state": "submitted",
                "stage": "review",
                "ground": "policy_misapplied",
                "submitted_at": audit["audited_at"],
                **dict.fromkeys(("escalated_at", "due_at", "decided_at", "on_time")),
                **fields,
            },
        )
        return appeal_id

    def move(self, appeal_id: str, state: str, **fields: Any) -> None:
        """Bring an appeal to another state."""
        self._advance(self.appeals, appeal_id, {"state": state, **fields})

    def decide(self, appeal_id: str, outcome: str, after: timedelta = timedelta(hours=48), **fields: Any) -> None:
        """Decide an appeal so long after it came in. One that is overturned puts the audit right."""
        appeal = self.appeals[appeal_id]
        decided = datetime.fromisoformat(appeal["escalated_at"] or appeal["submitted_at"]) + after
        due = appeal["due_at"] and datetime.fromisoformat(appeal["due_at"])
        self.move(appeal_id, outcome, decided_at=decided.isoformat(), on_time=due and decided <= due, **fields)
        if outcome == "overturned":
            self.revise(appeal["audit_id"], CORRECT)

    def erase(self, audit_id: str) -> None:
        """Take the names out of an audit."""
        self._advance(self.audits, audit_id, {"moderator": None, "auditor": None})

    def draw(self, *, strata: Iterable[dict[str, Any]], **fields: Any) -> str:
        """A draw as it stands, or another state of one: of acme, a week, due on the Friday after."""
        of_stratum: dict[str, Any] = {
            "stratum": "s-0",
            "vendor": "acme",
            "values": {"vendor": "acme"},
            "decisions": 100,
            "planned": 10,
            "drawn": 10,
        }
        draw = {
            "id": str(new_id()),
            "plan_id": str(uuid.UUID(int=9)),
            "plan_version": 1,
            "title": "Everyday",
            "state": "drawn",
            "first_day": "2026-09-07",
            "last_day": "2026-09-13",
            "drawn_at": "2026-09-14T22:00:00Z",
            "due_at": "2026-09-21T22:00:00Z",
            "allocation": {"kind": "fixed", "each": 10},
            **fields,
            "strata": [of_stratum | each for each in strata],
        }
        self.show("draw", draw)
        return str(draw["id"])

    def item(self, *, draw_id: str, state: str = "waiting", **fields: Any) -> str:
        """An item of a draw as it stands, or another state of one."""
        item: dict[str, Any] = {"id": str(new_id()), "draw_id": draw_id, "stratum": "s-0", "vendor": "acme", "state": state}
        item |= dict.fromkeys(("audited_at", "audit_id")) | fields
        self.show("sample_item", item)
        return str(item["id"])

    def show(self, noun: str, thing: dict[str, Any]) -> None:
        """Another thing, as it stands from now on."""
        self._advance(self.others.setdefault(noun, {}), thing["id"], thing)

    def _advance(self, rows: dict[str, dict[str, Any]], row_id: str, changed: dict[str, Any] | None = None) -> None:
        self.position += 1
        before = rows.get(row_id, {})
        rows[row_id] = {**before, **(changed or {}), "position": self.position, "revision": before.get("revision", 0) + 1}

    def pages(self, after: int = 0, limit: int = 1000) -> Iterator[FeedPage]:
        """What a reader at a position is shown, page by page."""
        due = sorted(
            (
                {"noun": noun, "id": key, "position": row["position"], "revision": row["revision"], "data": row}
                for noun, rows in (("audit", self.audits), ("appeal", self.appeals), *self.others.items())
                for key, row in rows.items()
            ),
            key=lambda change: change["position"],
        )
        due = [change for change in due if change["position"] > after]
        if after == 0:
            due.insert(
                0, {"noun": "programme", "id": self.programme, "position": 1, "revision": 1, "data": {"document": self.document}}
            )
        for start in range(0, max(len(due), 1), limit):
            changes = due[start : start + limit]
            more = start + limit < len(due)
            position = changes[-1]["position"] if more else self.position
            content = msgspec.Raw(msgspec.json.encode(changes))
            yield FeedPage(self.programme, str(EPOCH), content, f"cursor-{position}", position, more)

    async def project(self, database: Database, *, limit: int = 1000, pages: int | None = None) -> None:
        """Apply everything that is not yet applied, or the first pages of it."""
        async with database.writing(SERVICE) as session:
            cursor = await open_cursor(session, Programme.model_validate(self.document))
        for page in islice(self.pages(cursor.position, limit), pages):
            async with database.writing(SERVICE) as session:
                cursor = await apply_page(session, cursor, page, read_changes(page, cursor.time_zone))
