"""Calibration as audit-api's feed shows it to a service: sessions, items with ratings from review on, and golden items."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from reporting_feed import Stream
from tallystick.schemas.base import new_id
from tallystick.schemas.calibration import CalibrationItem, CalibrationSession, GoldenResult, SessionState

START = datetime(2026, 9, 1, 9, tzinfo=UTC)
RATERS = {"qa-1": None, "qa-2": None, "ann": "acme", "bob": "acme", "kim": "borealis"}
"""Two of the client's people, two of acme's, one of borealis', by subject."""


class Session:
    """A session on a stream. `show` puts its present state there, as audit-api does at every move."""

    def __init__(
        self,
        stream: Stream,
        ratings: Sequence[Mapping[str, str | None]],
        *,
        raters: Mapping[str, str | None] = RATERS,
        categories: Sequence[str] = ("keep", "restrict", "remove"),
        level: str = "nominal",
        target: float | None = 0.8,
        day: int = 0,
    ) -> None:
        """A draft of `day`s after the start, and what its raters will say of each item: category by rater, None for nothing."""
        self._stream = stream
        self.raters = raters
        self.ratings = [dict(each) for each in ratings]
        at = START + timedelta(days=day)
        self.items: list[dict[str, Any]] = [
            {"id": str(new_id()), "number": number, "content_ref": f"item:{number}", "policy": "harassment", "error_code": None}
            | {"repeat_of": None, "benchmark": None}
            for number in range(1, len(ratings) + 1)
        ]
        self.session: dict[str, Any] = {
            "id": str(new_id()),
            "title": f"Calibration of day {day}",
            "question": "Which action does the policy ask for?",
            "scale": {"level": level, "categories": list(categories)},
            "raters": [{"subject": subject, "vendor": vendor} for subject, vendor in raters.items()],
            "deadline": at + timedelta(days=1),
            "target": target,
            "state": SessionState.DRAFT,
            "facilitator": "lead",
            "created_at": at,
            "opened_at": None,
            "reviewed_at": None,
            "concluded_at": None,
            "conclusion": None,
            "items": len(ratings),
        }
        self.id = self.session["id"]
        self.at = at

    def set(self, number: int, **fields: Any) -> None:
        """Change what is known of an item: its policy, what it repeats, its benchmark."""
        self.items[number - 1] |= fields

    def benchmark(self, *values: str | None) -> "Session":
        """The benchmark of each item, from the first on."""
        for item, value in zip(self.items, values, strict=False):
            item["benchmark"] = None if value is None else {"value": value, "by": "consensus", "discussion": None}
        return self

    def show(self, state: SessionState) -> "Session":
        """Move the session to a state: it and all its items change."""
        moments = {"opened_at": 1, "reviewed_at": 2, "concluded_at": 3}
        reached = list(SessionState).index(state)
        self.session |= {name: self.at + timedelta(hours=after) for name, after in moments.items() if reached >= after}
        self.session |= {"state": state, "conclusion": "Settled." if state == SessionState.CONCLUDED else None}
        self._put("calibration_session", CalibrationSession, self.session)
        for number in range(1, len(self.items) + 1):
            self.show_item(number)
        return self

    def show_item(self, number: int) -> None:
        """Show an item as it stands."""
        laid_open = self.session["state"] in {SessionState.REVIEW, SessionState.CONCLUDED}
        ratings = [
            {"rater": rater, "vendor": self.raters[rater], "value": value, "policy": "hate", "comment": None, "rated_at": self.at}
            for rater, value in self.ratings[number - 1].items()
            if value is not None
        ]
        item = {
            **self.items[number - 1],
            "session_id": self.id,
            "audit_id": None,
            "render_hints": [],
            "own": None,
            "ratings": ratings if laid_open else [],
            "golden": False,
        }
        self._put("calibration_item", CalibrationItem, item)

    def golden(self, number: int, auditor: str | None, value: str, *, result_id: str | None = None) -> str:
        """What an auditor said of an item that was hidden in everyday work."""
        result = {
            "id": result_id or str(new_id()),
            "item_id": self.items[number - 1]["id"],
            "audit_id": str(new_id()),
            "vendor": "acme",
            "auditor": auditor,
            "value": value,
            "benchmark": self.items[number - 1]["benchmark"]["value"],
            "agreed": value == self.items[number - 1]["benchmark"]["value"],
            "audited_at": self.at + timedelta(days=7),
        }
        self._put("golden_result", GoldenResult, result)
        return str(result["id"])

    def _put(self, noun: str, model: Any, thing: dict[str, Any]) -> None:
        """Show a thing, in words that the wire model admits."""
        placed = {"programme": self._stream.programme, "revision": 1, "position": 0, **thing}
        if "revision" not in model.model_fields:
            del placed["revision"]
        self._stream.show(noun, model.model_validate(placed).model_dump(mode="json"))
