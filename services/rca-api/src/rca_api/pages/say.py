"""What the pages call things: states, steps, priorities, people, and when something is due."""

from datetime import date, datetime, timedelta
from typing import Any

from tallystick.schemas.action import ActionKind, ActionState, ActionStep
from tallystick.schemas.case import Audience, CaseEventKind, CasePriority, CaseState, CaseStep, EvidenceKind, LinkKind
from tallystick.schemas.cause import CauseState
from tallystick.schemas.metric import Measure
from tallystick.schemas.programme import CauseCategory
from tallystick.service.pages import words

STATES = {
    CaseState.OPEN: "Open",
    CaseState.REOPENED: "Reopened",
    CaseState.ANALYSIS: "Analysis",
    CaseState.ACTION_PLAN: "Action plan",
    CaseState.IN_PROGRESS: "In progress",
    CaseState.VERIFICATION: "Verification",
    CaseState.CLOSED: "Closed",
    CaseState.CANCELLED: "Cancelled",
}
PRIORITIES = {
    CasePriority.CRITICAL: "Critical",
    CasePriority.HIGH: "High",
    CasePriority.NORMAL: "Normal",
    CasePriority.LOW: "Low",
}
STEPS = {
    CaseStep.OPEN: ("Open", "The case is opened."),
    CaseStep.ANALYSE: ("Begin the analysis", "Look for the root causes: whys, evidence, causes."),
    CaseStep.PLAN: ("Plan the actions", "The causes are known. Agree on actions, and on how their effect will be judged."),
    CaseStep.START: ("Start the work", "The plan is fixed from then on, and the actions are done."),
    CaseStep.VERIFY: ("Verify the effect", "Everything is done. Wait for the verification window, and judge."),
    CaseStep.CLOSE: ("Close the case", "The effect is there. Write down what was concluded; the error is watched from then on."),
    CaseStep.OVERRIDE: ("Close it nevertheless", "Close although something is missing. The reason stays on record."),
    CaseStep.CANCEL: ("Cancel the case", "There is nothing to find out. The reason stays on record."),
    CaseStep.REOPEN: ("Open it again", "The error is back, or the conclusion was wrong."),
}
BACK = "Go back to the analysis"
CAUSE_STATES = {CauseState.PROPOSED: "proposed", CauseState.ACCEPTED: "accepted", CauseState.REJECTED: "rejected"}
CATEGORIES = {
    CauseCategory.POLICY: "Policy",
    CauseCategory.PROCESS: "Process",
    CauseCategory.PEOPLE_TRAINING: "People and training",
    CauseCategory.TOOLING: "Tooling",
    CauseCategory.CONTENT_AMBIGUITY: "Content ambiguity",
    CauseCategory.ENVIRONMENT: "Environment",
}
AUDIENCES = {Audience.VENDOR: "both sides", Audience.INTERNAL: "internal"}
EVIDENCE = {
    EvidenceKind.AUDIT: "Audit",
    EvidenceKind.SIGNAL: "Signal",
    EvidenceKind.MESSAGE: "Message",
    EvidenceKind.DOCUMENT: "Document",
}
LINKS = {LinkKind.RELATED: "Related to", LinkKind.DUPLICATE: "Duplicate of", LinkKind.CAUSED_BY: "Caused by"}
LINKED = {LinkKind.RELATED: "Related to", LinkKind.DUPLICATE: "Has the duplicate", LinkKind.CAUSED_BY: "Is the cause of"}
ACTION_STATES = {
    ActionState.OPEN: "open",
    ActionState.IN_PROGRESS: "in progress",
    ActionState.DONE: "done, to be verified",
    ActionState.VERIFIED: "verified",
    ActionState.CANCELLED: "cancelled",
}
ACTION_KINDS = {
    ActionKind.IMMEDIATE: "Immediate (containment)",
    ActionKind.CORRECTIVE: "Corrective",
    ActionKind.PREVENTIVE: "Preventive",
    ActionKind.IMPROVEMENT: "Improvement",
}
ACTION_STEPS = {
    ActionStep.START: "Start",
    ActionStep.COMPLETE: "Mark as done",
    ActionStep.VERIFY: "Verify",
    ActionStep.REJECT: "Send back",
    ActionStep.CANCEL: "Cancel",
}
DIMENSIONS = {
    "vendor": "Vendor",
    "site": "Site",
    "queue": "Queue",
    "market": "Market",
    "language": "Language",
    "policy": "Policy",
    "error_class": "Error class",
    "error_code": "Error code",
    "moderator_tenure": "Tenure of the moderator",
}
MEASURES = {
    Measure.ERROR_RATE: "Error rate",
    Measure.FALSE_POSITIVE_RATE: "Over-enforcement (false positives)",
    Measure.FALSE_NEGATIVE_RATE: "Under-enforcement (false negatives)",
    Measure.OVERTURN_RATE: "Overturn rate",
    Measure.ACCURACY: "Accuracy",
    Measure.CRITICAL_ACCURACY: "Critical accuracy",
}
_STEPPED = {
    CaseStep.OPEN: "opened the case",
    CaseStep.ANALYSE: "began the analysis",
    CaseStep.PLAN: "went on to planning",
    CaseStep.START: "let the work start",
    CaseStep.VERIFY: "went on to verification",
    CaseStep.CLOSE: "closed the case",
    CaseStep.OVERRIDE: "closed the case nevertheless",
    CaseStep.CANCEL: "cancelled the case",
    CaseStep.REOPEN: "opened the case again",
}
_HAPPENED = {
    CaseEventKind.CHANGE: "changed",
    CaseEventKind.SIGNAL: "heard a signal",
    CaseEventKind.EVIDENCE: "gathered the evidence",
    CaseEventKind.LINK: "linked the case",
    CaseEventKind.UNLINK: "took a link away",
    CaseEventKind.WHY: "answered a why",
    CaseEventKind.CAUSE: "worked on a cause",
    CaseEventKind.ACTION: "worked on an action",
    CaseEventKind.PLAN: "worked on the plan",
}


clock, iso, local = words.clock, words.iso, words.local


def measure(name: str) -> str:
    """A measure by its name."""
    return MEASURES.get(Measure(name), name.replace("_", " ").capitalize())


def scope(values: dict[str, Any]) -> list[tuple[str, str]]:
    """What a filter narrows, and to which values."""
    return [(DIMENSIONS[name], ", ".join(given)) for name, given in values.items() if given]


def day_of(moment: datetime | str, zone: str) -> str:
    """The day of a moment, by the programme's clocks."""
    there = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return words.day(local(there, zone).date())


def due_day(moment: datetime, zone: str) -> str:
    """The last day on which something is on time: what is due at midnight is due on the day that ends with it."""
    return words.day(_last_day(moment, zone))


def day_value(moment: datetime | None, zone: str) -> str:
    """The same as a date field holds it."""
    return "" if moment is None else _last_day(moment, zone).isoformat()


def _last_day(moment: datetime, zone: str) -> date:
    """The day of the second before: where clocks skip midnight, the one after is not that much later by them."""
    return local(moment - timedelta(seconds=1), zone).date()


def ago(then: datetime, now: datetime, zone: str) -> str:
    """For how long something has been, in days of the programme's clocks."""
    days = max((local(now, zone).date() - local(then, zone).date()).days, 0)
    return "today" if not days else "1 day" if days == 1 else f"{days} days"


def left(due: datetime, now: datetime) -> str:
    """How long there is left, or since when there is none."""
    days = (due - now) / timedelta(days=1)
    if days < 0:
        return f"overdue for {_days(-days)}"
    return f"{_days(days)} left"


def _days(days: float) -> str:
    if days < 1:
        return "less than a day"
    return "1 day" if int(days) == 1 else f"{int(days)} days"


def happened(event: dict[str, Any]) -> str:
    """What an entry of a case's history tells, without who and when."""
    kind = CaseEventKind(event["kind"])
    if kind is CaseEventKind.STEP:
        return f"{_STEPPED[CaseStep(event['step'])]}: {STATES[CaseState(event['state'])].lower()}"
    text = _HAPPENED[kind]
    told = ", ".join(f"{name.replace('_', ' ')} {_short(value)}" for name, value in event["changed"].items() if value is not None)
    return f"{text}: {told}" if told else text


def _short(value: object) -> str:
    if isinstance(value, list):
        text = ", ".join(map(_short, value))
    elif isinstance(value, dict):
        text = ", ".join(f"{name} {_short(each)}" for name, each in value.items() if each)
    else:
        text = str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"  # noqa: PLR2004
