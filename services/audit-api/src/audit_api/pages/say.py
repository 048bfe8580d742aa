"""What the pages call things, and what they tell somebody who works."""

from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from urllib.parse import urlsplit

from tallystick.schemas.audit import Attribution, RenderHint
from tallystick.schemas.programme import ErrorClass, Severity
from tallystick.schemas.sampling import (
    AcceptanceAllocation,
    Allocation,
    DrawState,
    FixedAllocation,
    HandBackReason,
    InspectionLevel,
    NeymanAllocation,
    PowerAllocation,
    PrecisionAllocation,
    ProportionalAllocation,
    SamplePeriod,
    SamplingScope,
    StratumDimension,
    StratumValues,
)
from tallystick.service.pages.words import goal

CLASSES = {
    ErrorClass.FALSE_POSITIVE: "False positive: over-enforced",
    ErrorClass.FALSE_NEGATIVE: "False negative: under-enforced",
    ErrorClass.WRONG_SELECTION: "Wrong selection",
    ErrorClass.TECHNICAL: "Technical",
}
SEVERITIES = {Severity.CRITICAL: "Critical", Severity.MAJOR: "Major", Severity.MINOR: "Minor"}
ATTRIBUTIONS = {
    Attribution.MODERATOR: "the moderator",
    Attribution.POLICY: "the policy",
    Attribution.TOOLING: "the tools",
    Attribution.TRAINING: "training",
    Attribution.AUDITOR: "the auditor",
}
RATINGS = (("1", "met"), ("0.5", "half met"), ("0", "not met"), ("none", "not applicable"))
"""Of a line of the scorecard."""
HINTS = {RenderHint.BLUR: "blurred", RenderHint.GREYSCALE: "in grey", RenderHint.MUTE: "without sound"}
REASONS = {
    HandBackReason.WELLBEING: "It is not for me now. Nothing more is asked, and nobody else sees it",
    HandBackReason.CONFLICT: "I must not judge it: a conflict of interest",
    HandBackReason.SKILL: "I cannot judge it: the language, or the policy",
    HandBackReason.UNAVAILABLE: "The content is gone",
    HandBackReason.OTHER: "Something else",
}
BREAKS = [(each, f"{each} minutes") for each in (5, 10, 15, 20, 30, 45, 60, 90)]


DIMENSIONS = [(each, each.replace("_", " ")) for each in StratumDimension if each is not StratumDimension.VENDOR]
"""What a plan can divide decisions by; by vendor they are divided always."""
PERIODS = [(each, each) for each in SamplePeriod]
LEVELS = [(each, each) for each in InspectionLevel]
ALLOCATIONS = (
    ("fixed", "so many of every stratum"),
    ("proportional", "so many in all, by the size of the strata"),
    ("neyman", "so many in all, more where errors are less predictable (Neyman)"),
    ("precision", "as many as a precision takes"),
    ("power", "as many as it takes to notice a change"),
    ("acceptance", "lots, accepted or rejected by MIL-STD-105E"),
)
DECIDED_BY = (("true", "software"), ("false", "people"))
DRAW_STATES = {
    DrawState.COMMITTED: "committed",
    DrawState.DRAWN: "drawn",
    DrawState.MISSED: "nothing to draw",
    DrawState.WITHDRAWN: "withdrawn",
}


class Told(StrEnum):
    """What a page tells after something was done there, beside why nothing was handed out."""

    RECORDED = "recorded"
    LIGHTER = "lighter"
    GIVEN_BACK = "given_back"
    SAVED = "saved"


TOLD = {
    Told.RECORDED: "Recorded.",
    Told.GIVEN_BACK: "Given back. It goes to somebody else, and does not come to you again.",
    Told.SAVED: "Saved.",
}


def link(reference: str) -> bool:
    """Whether a reference to content is an address that a browser can open."""
    try:
        parts = urlsplit(reference)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def stratum(values: StratumValues) -> str:
    """What the decisions of a stratum have in common, besides the vendor."""
    return " \N{MIDDLE DOT} ".join(value or "none" for name, value in values.items() if name != "vendor") or "all"


def allocation(given: Allocation) -> str:
    """How many decisions are audited, in words."""
    match given:
        case FixedAllocation():
            return f"{given.each:,} of every stratum"
        case ProportionalAllocation():
            return f"{given.total:,} in all, by size"
        case NeymanAllocation():
            return f"{given.total:,} in all, by Neyman"
        case PrecisionAllocation():
            over = "of every stratum" if given.of == "each" else "over all strata"
            return f"what ± {goal(given.half_width)} {over} takes"
        case PowerAllocation():
            return f"what noticing a change of {goal(given.difference)} takes"
        case AcceptanceAllocation():
            return f"lots by AQL {given.aql:g}, level {given.level}"


def scope(of: SamplingScope) -> str:
    """Which decisions a plan is about, where not all."""
    named = [f"{name} {', '.join(values)}" for name, values in of if isinstance(values, tuple) and values]
    by = dict(DECIDED_BY).get(str(of.automated_decision).lower())
    return "; ".join([*named, f"decided by {by}"] if by else named)


def minutes_left(until: datetime, now: datetime) -> int:
    """How many minutes there are left, the one that has begun included."""
    return max(0, ceil((until - now) / timedelta(minutes=1)))


KEYS_OF_ITEM = (
    ("c i", "the decision is correct, incorrect"),
    ("a p e l s", "to the action, the policy, the error code, its class, its severity"),
    ("1 … 9", "choose in a list that one is in"),
    ("Enter", "where one types to narrow a list, choose its first and go on; elsewhere go on, and at the end record"),
    ("r t m", "to the scorecard, to whom it is laid, the comment"),
    ("Ctrl Enter", "record, and the next one, from anywhere"),
    ("Shift Enter", "record, and stop"),
    ("k h", "keep the item for longer, give it back"),
    ("o", "open the content"),
)
KEYS_OF_NONE = (("n", "the next item"), ("g", "something lighter"))
