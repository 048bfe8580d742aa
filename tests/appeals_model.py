"""What audit-api promises of appeals, without a database: audits with their judgements, appeals, and time.

Everything here is plain and written anew: states, working days, who may decide what. The rule machine holds the service
against it; whoever has numbers to check about appealed audits can count them in `Model`.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

WINDOW_DAYS, TURNAROUND_DAYS, EXPIRY_DAYS, ESCALATION_DAYS, CLAIM_MINUTES = 5, 3, 8, 4, 90
RULES: dict[str, Any] = {
    "time_zone": "UTC",
    "targets": {"appeal_window_days": WINDOW_DAYS, "appeal_turnaround_days": TURNAROUND_DAYS},
    "appeals": {"expiry_days": EXPIRY_DAYS, "escalation_days": ESCALATION_DAYS, "claim_minutes": CLAIM_MINUTES},
}
"""What the model's programme says beside its vocabularies."""

BEGINNING = datetime(2026, 11, 23, 8, tzinfo=UTC)
"""A Monday morning, so that weekends are met while time moves."""

MANAGERS = {"manager-1", "manager-2"}
FIELDS = ("benchmark_action", "benchmark_policy", "verdict", "error_class", "error_code", "severity", "attributable_to")
RIGHT: dict[str, Any] = dict.fromkeys(FIELDS) | {
    "benchmark_action": "keep",
    "benchmark_policy": "no_violation",
    "verdict": "correct",
}
WRONG: dict[str, Any] = dict.fromkeys(FIELDS) | {
    "benchmark_action": "remove",
    "benchmark_policy": "harassment",
    "verdict": "incorrect",
    "error_class": "false_negative",
    "error_code": "FN-HARASS",
    "severity": "major",
}
JUDGEMENTS = {
    "right": RIGHT,
    "right of another policy": RIGHT | {"benchmark_policy": "hate"},
    **{severity: WRONG | {"severity": severity} for severity in ("minor", "major", "critical")},
}
"""By name, the judgements that the machine's audits can have."""


def end_of(start: datetime, days: int) -> datetime:
    """The end of the working day (Monday to Friday, in UTC) that is so many of them after the day of `start`."""
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return day + timedelta(days=1)


@dataclass
class Audit:
    """An audit, with every judgement that it has had."""

    id: str
    external_id: str
    vendor: str
    auditor: str
    parties: set[str]
    judged_at: datetime
    judgements: list[dict[str, Any]]

    @property
    def first(self) -> dict[str, Any]:
        """As first scored."""
        return self.judgements[0]

    @property
    def current(self) -> dict[str, Any]:
        """As adjudicated."""
        return self.judgements[-1]


@dataclass
class Appeal:
    """An appeal, with the steps that it has taken."""

    id: str
    audit: Audit
    content: tuple[Any, ...]
    appealed: dict[str, Any]
    proposed: dict[str, Any]
    submitted_at: datetime
    due_at: datetime
    expires_at: datetime
    state: str = "submitted"
    stage: str = "review"
    steps: list[str] = field(default_factory=lambda: ["submit"])
    revision: int = 1
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    decided_by: str | None = None
    decided_revision: int | None = None
    escalate_until: datetime | None = None
    on_time: bool | None = None
    acknowledged: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is undecided."""
        return self.state in {"submitted", "in_review"}

    def step(self, action: str, state: str) -> None:
        """Take a step: whoever held it does so no more."""
        self.state, self.claimed_by, self.claimed_until = state, None, None
        self.steps.append(action)
        self.revision += 1


class Model:
    """All audits and appeals of a programme, as they should be."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.audits: dict[str, Audit] = {}
        self.appeals: dict[str, Appeal] = {}

    def record(
        self, audit_id: str, external_id: str, vendor: str, auditor: str, recorder: str, judgement: dict[str, Any]
    ) -> None:
        """An audit was recorded."""
        self.audits[audit_id] = Audit(audit_id, external_id, vendor, auditor, {auditor, recorder}, self.now, [judgement])

    def revise(self, audit: Audit, by: str, judgement: dict[str, Any]) -> None:
        """An audit was revised, by a person or by the decision of an appeal."""
        audit.judgements.append(judgement)
        audit.parties.add(by)
        audit.judged_at = self.now

    def proposal(self, audit: Audit, proposed: dict[str, Any]) -> dict[str, Any]:
        """The whole judgement that a proposal amounts to."""
        return RIGHT | proposed if proposed.get("verdict") == "correct" else audit.current | proposed

    def submission(self, audit: Audit, vendor: str, content: tuple[Any, ...], proposed: dict[str, Any]) -> tuple[str, str | None]:
        """What becomes of an appeal that a vendor raises: a word, and the appeal that it names."""
        of_audit = [appeal for appeal in self.appeals.values() if appeal.audit is audit]
        if audit.vendor != vendor:
            return "not-found", None
        for appeal in of_audit:
            if appeal.content == content:
                return "duplicate", appeal.id
        for appeal in of_audit:
            if appeal.is_open:
                return "appeal-open", appeal.id
            if appeal.decided_revision is not None and appeal.decided_revision >= len(audit.judgements):
                return "appeal-decided", appeal.id
        if end_of(audit.judged_at, WINDOW_DAYS) <= self.now:
            return "appeal-window-closed", None
        whole = self.proposal(audit, proposed)
        if whole == audit.current or (whole["verdict"] == "correct" and whole["severity"]):
            return "appeal-refused", None
        return "created", None

    def submit(self, appeal_id: str, audit: Audit, content: tuple[Any, ...], proposed: dict[str, Any]) -> None:
        """An appeal was raised."""
        self.appeals[appeal_id] = Appeal(
            appeal_id, audit, content, audit.current, self.proposal(audit, proposed), self.now, *self._promised(self.now)
        )

    def _promised(self, now: datetime) -> tuple[datetime, datetime]:
        return end_of(now, TURNAROUND_DAYS), end_of(now, EXPIRY_DAYS)

    def claimable(self, who: str) -> list[Appeal]:
        """What somebody may claim, the first first."""
        found = [
            appeal
            for appeal in self.appeals.values()
            if appeal.state == "submitted" and who not in appeal.audit.parties | {appeal.decided_by}
        ]
        if who not in MANAGERS:
            found = [appeal for appeal in found if appeal.stage == "review"]
        return sorted(found, key=lambda appeal: (appeal.due_at, appeal.submitted_at, appeal.id))

    def claim(self, appeal: Appeal, who: str) -> None:
        """Somebody has claimed an appeal."""
        appeal.step("claim", "in_review")
        appeal.claimed_by, appeal.claimed_until = who, self.now + timedelta(minutes=CLAIM_MINUTES)

    def decide(self, appeal: Appeal, outcome: str, who: str, judgement: dict[str, Any] | None) -> str:
        """Somebody decides: what becomes of that, as a word."""
        if appeal.state != "in_review":
            return "appeal-state"
        if appeal.claimed_by != who:
            return "appeal-claimed"
        if who in appeal.audit.parties:
            return "appeal-party"
        if outcome == "amended" and judgement in (appeal.audit.current, appeal.proposed):
            return "appeal-refused"
        if outcome != "upheld":
            self.revise(appeal.audit, who, appeal.proposed if judgement is None else judgement)
        appeal.step({"upheld": "uphold", "overturned": "overturn", "amended": "amend"}[outcome], outcome)
        appeal.decided_by, appeal.decided_revision = who, len(appeal.audit.judgements)
        appeal.on_time = self.now <= appeal.due_at
        final = appeal.stage == "arbitration" or outcome == "overturned"
        appeal.escalate_until = None if final else end_of(self.now, ESCALATION_DAYS)
        return "decided"

    def release(self, appeal: Appeal, who: str) -> str:
        """Somebody gives a claim back."""
        if appeal.state != "in_review":
            return "appeal-state"
        if appeal.claimed_by != who:
            return "appeal-claimed"
        appeal.step("release", "submitted")
        return "released"

    def withdraw(self, appeal: Appeal, vendor: str) -> str:
        """A vendor takes an appeal back."""
        if appeal.audit.vendor != vendor:
            return "not-found"
        if not appeal.is_open:
            return "appeal-state"
        appeal.step("withdraw", "withdrawn")
        return "withdrawn"

    def escalate(self, appeal: Appeal, vendor: str) -> str:
        """A vendor wants a decision arbitrated."""
        if appeal.audit.vendor != vendor:
            return "not-found"
        if appeal.escalate_until is None or appeal.escalate_until <= self.now or appeal.state not in {"upheld", "amended"}:
            return "appeal-state"
        if any(other.is_open for other in self.appeals.values() if other.audit is appeal.audit):
            return "appeal-open"
        appeal.step("escalate", "submitted")
        appeal.stage, appeal.escalate_until, appeal.acknowledged = "arbitration", None, False
        appeal.due_at, appeal.expires_at = self._promised(self.now)
        return "escalated"

    def acknowledge(self, appeal: Appeal, vendor: str) -> str:
        """A vendor takes note."""
        if appeal.audit.vendor != vendor:
            return "not-found"
        if appeal.is_open or appeal.state == "withdrawn":
            return "appeal-state"
        if not appeal.acknowledged:
            appeal.acknowledged = True
            appeal.revision += 1
        return "acknowledged"

    def pass_time(self, now: datetime) -> None:
        """It is later: what has run out is over."""
        self.now = now
        for appeal in self.appeals.values():
            if appeal.is_open and appeal.expires_at <= now:
                appeal.step("expire", "expired")
            elif appeal.state == "in_review" and appeal.claimed_until is not None and appeal.claimed_until <= now:
                appeal.step("lapse", "submitted")

    def counts(self, vendor: str | None = None) -> dict[str, Counter[str]]:
        """How many audits of a vendor, or of all, have which verdict: as first scored, and as adjudicated."""
        audits = [audit for audit in self.audits.values() if vendor in {None, audit.vendor}]
        return {
            "first_scored": Counter(audit.first["verdict"] for audit in audits),
            "adjudicated": Counter(audit.current["verdict"] for audit in audits),
        }
