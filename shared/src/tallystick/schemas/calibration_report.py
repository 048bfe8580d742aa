"""The report on calibration: whether raters agree with each other and with the benchmark, on what they do not, and what to do."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from tallystick.schemas.base import Instant, Wire
from tallystick.schemas.calibration import Level, SessionState
from tallystick.schemas.metric import Difference, Interval, Number, Period, Rank

Standing = Literal["met", "missed", "undecided", "no_data", "no_target"]
"""A number beside its target. The interval decides: while it holds the target, nothing is claimed."""


class Coefficient(StrEnum):
    """The ways in which agreement among raters is told."""

    PERCENT_AGREEMENT = "percent_agreement"
    COHEN = "cohen"
    FLEISS = "fleiss"
    AC1 = "ac1"
    AC2 = "ac2"
    ALPHA_NOMINAL = "alpha_nominal"
    ALPHA_ORDINAL = "alpha_ordinal"


class Reading(Wire):
    """A coefficient in plain language."""

    scale: str
    """Whose words they are."""
    level: str | None
    """The best one that agreement reaches with a probability of at least .95, such as `good`; `null` where none can be told."""
    probability: float | None
    """How probable it is that agreement is of this level or a better one."""
    text: str


class Agreement(Wire):
    """How far raters agree, by one coefficient."""

    coefficient: Coefficient
    weights: Literal["identity", "ordinal"]
    """Whether the same category alone agrees, or others in part by their distance in the order (Gwet's ordinal weights)."""
    value: float | None
    standard_error: float | None
    interval: Interval | None
    reading: Reading | None
    """`null` for percent agreement, which says nothing of chance."""
    items: int
    """That at least two of the raters judged."""
    reason: str | None
    """Why there is no value, or no interval."""


class CalibrationScope(Wire):
    """What the numbers are about."""

    programme: str
    vendors: tuple[str, ...]
    """Whose raters are looked at beside the client's; empty: everybody's."""
    policies: tuple[str, ...]
    """Which clauses the items are about; empty: all."""
    period: Period | None
    """Days of conclusion; `null` for a single session and where none was asked for."""
    raters: str
    """Whose ratings the numbers are computed over, in words."""
    epoch: UUID | None
    position: int | None
    """Up to which position of the programme's stream calibration is known; `null` to vendors."""
    definitions: str = "/reporting/v1/metrics/definitions"


class SessionHead(Wire):
    """What a session is."""

    id: UUID
    title: str
    question: str
    state: SessionState
    level: Level
    categories: tuple[str, ...]
    target: float | None
    """The alignment with the benchmark that every rater should reach: the session's, or else the programme's."""
    items: int
    raters: int
    """Those that the reader may know of."""
    deadline: Instant
    reviewed_at: Instant | None
    concluded_at: Instant | None
    conclusion: str | None


class RaterAlignment(Wire):
    """How often somebody judged as the benchmark does."""

    rater: str
    vendor: str | None
    """`null`: of the client's people."""
    rated: int
    missing: int
    """Items that the rater left out."""
    alignment: Number
    standing: Standing
    rank: Rank | None
    """Between which places, the best first."""


class PairAgreement(Wire):
    """How far two raters agree with each other."""

    raters: tuple[str, str]
    percent_agreement: Agreement
    cohen: Agreement
    """Weighted where the categories have an order."""


class PartyAlignment(Wire):
    """How far the people of one party are aligned with the benchmark, and with the client's."""

    vendor: str | None
    """`null`: the client."""
    raters: int
    alignment: Number
    """Of all their ratings together; the interval allows for ratings of one item going together."""
    standing: Standing
    difference: Difference | None
    """From the client's alignment; `null` for the client itself."""
    within: Agreement
    """Percent agreement of its people among themselves."""
    with_client: tuple[Agreement, ...]
    """Percent agreement, kappa and AC1 (AC2) of one of its people and one of the client's; nothing for the client itself."""


class Confusion(Wire):
    """What raters chose where the benchmark says something else or the same."""

    categories: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """A row for each category of the benchmark, a column for each category chosen."""
    reason: str | None


class DivisiveItem(Wire):
    """An item that raters do not agree on."""

    number: int
    item_id: UUID
    content_ref: str | None
    policy: str | None
    benchmark: str | None
    ratings: dict[str, int]
    """How many chose each category."""
    clauses: dict[str, int]
    """How many of them named each policy clause as what their rating rests on."""
    disagreement: Number
    """Of pairs of raters, the share that differ."""
    rank: Rank
    """Items with the same share of it are tied."""


class Mistake(Wire):
    """A benchmark, and what was chosen in its place."""

    benchmark: str
    chosen: str
    count: int


class DivisivePolicy(Wire):
    """A policy clause, and how far raters agree on its items."""

    policy: str
    items: int
    """That at least two of the raters judged."""
    percent_agreement: Agreement
    mistakes: tuple[Mistake, ...]
    """Against the benchmark, the most frequent first."""
    rank: Rank | None
    """The most divisive first; clauses whose intervals overlap are tied."""


class Repeatability(Wire):
    """How often somebody chose the same when the same item was shown again."""

    rater: str
    vendor: str | None
    repeated: Number


class GoldenAlignment(Wire):
    """How often an auditor judged as the benchmark does: golden items, hidden in everyday work, and items of the sessions."""

    auditor: str | None
    """`null` once erased."""
    alignment: Number
    """On golden items."""
    rated: Number
    """In the sessions, as the rater of that name; `null` where none rates, or more than one."""
    together: Number
    """On both: what `standing` and `rank` go by."""
    standing: Standing
    rank: Rank | None


class Golden(Wire):
    """Alignment from golden items."""

    overall: Number
    auditors: tuple[GoldenAlignment, ...]
    reason: str | None


class Topic(Wire):
    """What a rater should be calibrated on."""

    policy: str | None
    alignment: Number
    mistakes: tuple[Mistake, ...]


class NextCalibration(Wire):
    """Who needs which calibration next, and why."""

    rater: str
    vendor: str | None
    alignment: Number
    target: float
    standing: Literal["missed", "undecided"]
    rank: Rank | None
    """Whose need is greatest first; raters whose intervals overlap are tied."""
    topics: tuple[Topic, ...]
    """Clauses with mistakes, those with most of them first."""
    reason: str


class WhoNext(Wire):
    """The raters below the target, and those of whom that is not decided yet.

    To those who may know of golden items, what raters said of these counts too.
    """

    raters: tuple[NextCalibration, ...]
    reason: str | None
    """Why there is nobody."""


class CalibrationReport(Wire):
    """One session: agreement, alignment, what divides, and what comes next. Items shown again count for repeatability alone."""

    scope: CalibrationScope
    session: SessionHead
    reason: str | None
    """Why there are no numbers yet."""
    agreement: tuple[Agreement, ...]
    preferred: Coefficient
    """Which of them to go by."""
    preferred_because: str
    pairs: tuple[PairAgreement, ...]
    pairs_reason: str | None
    """Why there are no pairs."""
    alignment: tuple[RaterAlignment, ...]
    parties: tuple[PartyAlignment, ...]
    confusion: Confusion
    items: tuple[DivisiveItem, ...]
    """The most divisive ones."""
    items_reason: str | None
    policies: tuple[DivisivePolicy, ...]
    policies_reason: str | None
    repeatability: tuple[Repeatability, ...]
    repeatability_overall: Number
    golden: Golden
    next: WhoNext


class TrendSession(Wire):
    """A concluded session in a row of them."""

    session: SessionHead
    percent_agreement: Agreement
    agreement: Agreement
    """By the coefficient to go by: AC1, or AC2 where the categories have an order."""
    change: Difference | None
    """Of that coefficient, from the session before; `null` for the first."""
    coefficients: tuple[Agreement, ...]
    """Each of them, as in the session's own report."""
    alignment: Number
    standing: Standing
    parties: tuple[PartyAlignment, ...]
    policies: tuple[DivisivePolicy, ...]
    """The most divisive first."""
    confusion: Confusion
    repeatability: Number
    """Of all raters together."""


class CalibrationTrend(Wire):
    """Concluded sessions one after the other, and their raters over all of them."""

    scope: CalibrationScope
    sessions: tuple[TrendSession, ...]
    """The earliest first."""
    open: tuple[SessionHead, ...]
    """Sessions in scoring or in review, the newest first."""
    alignment: tuple[RaterAlignment, ...]
    golden: Golden
    next: WhoNext
    reason: str | None
    """Why there are no sessions."""
