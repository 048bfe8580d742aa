"""Sampling: how many decisions of which kind are audited in a period, the draw that anybody can repeat, and what was drawn."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, NonNegativeInt, model_validator

from tallystick.schemas.audit import Judgement, RenderHint
from tallystick.schemas.base import Code, Instant, Name, Reference, Slug, Text, Wire, form
from tallystick.schemas.decision import Modality
from tallystick.schemas.programme import TimeZone

_LAST_YEAR = 2999


def _near(day: date) -> date:
    if day.year > _LAST_YEAR:  # so that there is a day after every period
        raise ValueError("beyond the year 2999")
    return day


PlanDay = Annotated[date, AfterValidator(_near)]
Confidence = Annotated[float, Field(ge=0.8, le=0.999)]
Rate = Annotated[float, Field(ge=0, le=1)]
Hexadecimal = Annotated[str, form(r"^[0-9a-f]{64}$", "64 digits 0 to 9 and a to f")]
"""32 bytes, in hexadecimal digits."""


class StratumDimension(StrEnum):
    """What decisions are divided by. The vendor always comes first: what was drawn from whom is each vendor's own."""

    VENDOR = "vendor"
    SITE = "site"
    QUEUE = "queue"
    MARKET = "market"
    LANGUAGE = "language"
    MODERATOR = "moderator"
    POLICY = "policy"
    ACTION = "action"
    AUTOMATED_DETECTION = "automated_detection"
    AUTOMATED_DECISION = "automated_decision"
    RISK = "risk"


class SamplePeriod(StrEnum):
    """How long a period is, in the programme's time zone; a week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class FixedAllocation(Wire):
    """So many of every stratum."""

    kind: Literal["fixed"] = "fixed"
    each: Annotated[int, Field(ge=1, le=100_000)]


class ProportionalAllocation(Wire):
    """So many in all, by the size of the strata."""

    kind: Literal["proportional"] = "proportional"
    total: Annotated[int, Field(ge=1, le=1_000_000)]


class NeymanAllocation(Wire):
    """So many in all, more where there are more decisions and where errors are less predictable."""

    kind: Literal["neyman"] = "neyman"
    total: Annotated[int, Field(ge=1, le=1_000_000)]
    weeks: Annotated[int, Field(ge=1, le=104)] = 13
    """Of past audits that tell the error rates."""


class PrecisionAllocation(Wire):
    """As many as it takes for an interval of the wanted width."""

    kind: Literal["precision"] = "precision"
    half_width: Annotated[float, Field(ge=0.001, le=0.5)]
    confidence: Confidence = 0.95
    of: Literal["each", "all"] = "each"
    """Whether the interval of every stratum, or the one over all strata."""
    expected_error_rate: Rate = 0.1
    """Where no past audits tell it."""
    weeks: Annotated[int, Field(ge=1, le=104)] = 13


class PowerAllocation(Wire):
    """As many of each stratum as it takes to notice a change of the error rate."""

    kind: Literal["power"] = "power"
    difference: Annotated[float, Field(ge=0.005, le=0.5)]
    power: Annotated[float, Field(ge=0.5, le=0.99)] = 0.8
    confidence: Confidence = 0.95
    expected_error_rate: Rate = 0.1
    weeks: Annotated[int, Field(ge=1, le=104)] = 13


class InspectionLevel(StrEnum):
    """How large a sample is for a lot, by MIL-STD-105E."""

    I = "I"  # noqa: E741 - the standard's own name
    II = "II"
    III = "III"
    S1 = "S-1"
    S2 = "S-2"
    S3 = "S-3"
    S4 = "S-4"


class AcceptanceAllocation(Wire):
    """Every stratum of a period is a lot, accepted or rejected by MIL-STD-105E, single sampling."""

    kind: Literal["acceptance"] = "acceptance"
    aql: Annotated[float, Field(gt=0, le=10)]
    """The acceptable quality level: errors in a hundred decisions, one of the standard's."""
    level: InspectionLevel = InspectionLevel.II


Allocation = Annotated[
    FixedAllocation | ProportionalAllocation | NeymanAllocation | PrecisionAllocation | PowerAllocation | AcceptanceAllocation,
    Field(discriminator="kind"),
]


class SharedTotal(Wire):
    """A total over several vendors, which none of them is told: less its own part it is that of the others."""

    kind: Literal["proportional", "neyman"]
    total: None = None


ToldAllocation = Allocation | SharedTotal
"""How many are drawn, as it is told of a draw."""


class Budget(Wire):
    """What a period may cost. The sample is cut to it where precision loses least."""

    audits: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    hours: Annotated[float, Field(gt=0, le=1_000_000)] | None = None


class SamplingScope(Wire):
    """Which decisions the plan is about: all where a list is empty."""

    vendor: Annotated[tuple[Slug, ...], Field(max_length=100)] = ()
    site: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    queue: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    market: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    language: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    policy: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    action: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    risk: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    automated_decision: bool | None = None


class NewSamplingPlan(Wire):
    """A sampling plan to draft."""

    title: Name
    scope: SamplingScope = SamplingScope()
    strata: Annotated[tuple[StratumDimension, ...], Field(max_length=6)] = ()
    """What the decisions are divided by, besides the vendor."""
    period: SamplePeriod = SamplePeriod.WEEK
    starts_on: PlanDay
    """The first day that is drawn from. Periods that begin within an hour of the publication, or have begun, are left out."""
    ends_on: PlanDay | None = None
    """The last day that is drawn from."""
    allocation: Allocation
    minimum_per_stratum: Annotated[int, Field(ge=0, le=10_000)] = 0
    minimum_per_moderator: Annotated[int, Field(ge=0, le=1_000)] = 0
    """Above 0 the moderator is one of the strata."""
    budget: Budget = Budget()
    minutes_per_audit: Annotated[float, Field(gt=0, le=600)] = 4
    due_days: Annotated[int, Field(ge=1, le=90)] = 5
    """Working days after the draw within which its items are to be audited."""
    priority: Annotated[int, Field(ge=1, le=9)] = 5
    """1 is handed out first."""
    settle_hours: Annotated[int, Field(ge=0, le=720)] = 24
    """How long after the end of a period decisions of it are waited for before it is drawn."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if len(set(self.strata)) < len(self.strata):
            raise ValueError("a stratum is divided by the same twice")
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError("it ends before it starts")
        limits = (self.minimum_per_stratum, self.minimum_per_moderator, self.budget.audits, self.budget.hours)
        if isinstance(self.allocation, AcceptanceAllocation) and any(limits):
            raise ValueError("the samples of acceptance sampling are the standard's: no minimum and no budget goes with them")
        return self

    def dimensions(self) -> tuple[StratumDimension, ...]:
        """What the strata are divided by, in one order: the vendor first, then as `StratumDimension` lists them."""
        wanted = {StratumDimension.VENDOR, *self.strata}
        if self.minimum_per_moderator:
            wanted.add(StratumDimension.MODERATOR)
        return tuple(each for each in StratumDimension if each in wanted)


class PlanState(StrEnum):
    """Where a sampling plan stands."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class SamplingPlan(NewSamplingPlan):
    """A sampling plan as it stands. A published one that is changed becomes a draft of the next version; the last one goes on."""

    programme: Slug
    id: UUID
    revision: int
    position: int
    state: PlanState
    published_version: int | None
    """The version that draws are made by; `null` before the first."""
    changed_by: str
    changed_at: Instant
    published_at: Instant | None


class SamplingPlanPage(Wire):
    """A page of sampling plans; the next page is in the `Link` header."""

    items: tuple[SamplingPlan, ...]


class SamplingPlanVersion(Wire):
    """A published version of a sampling plan."""

    version: int
    document: NewSamplingPlan
    published_by: str
    published_at: Instant


class SamplingPlanVersions(Wire):
    """Every published version, newest first."""

    items: tuple[SamplingPlanVersion, ...]


StratumValues = dict[StratumDimension, str]
"""What the decisions of a stratum have in common, by dimension; `true` and `false` for flags, empty for no risk band."""


class PreviewStratum(Wire):
    """One stratum of a preview."""

    stratum: Code
    values: StratumValues
    decisions: float
    """Expected in a period, by the last four whole periods that there are counts of."""
    size: int
    """Audits in a period."""
    error_rate: float | None
    """By past audits, drawn towards that of all where there are few; `null` without any."""
    half_width: float | None
    """Of the interval expected of its error rate; `null` where nothing is audited."""
    cut: int
    """Audits that the budget took away."""


class PlanPreview(Wire):
    """What a sampling plan would come to in a period. Nothing is stored."""

    strata: tuple[PreviewStratum, ...]
    """The largest first; at most a thousand of them."""
    strata_count: int
    decisions: float
    size: int
    cut: int
    hours: float
    half_width: float | None
    """Of the interval expected of the error rate over all strata."""
    confidence: float
    cheapest: bool
    """Whether less of it cannot be had: all strata are at their minimum."""
    notes: tuple[str, ...]
    """What stands against it, such as minima beyond the budget, in sentences."""


class DrawState(StrEnum):
    """Where a draw stands: it only ever goes on."""

    COMMITTED = "committed"
    """The commitment to its key is published, and its period is to come or under way."""
    DRAWN = "drawn"
    """The period is over, the sample drawn and the key published."""
    MISSED = "missed"
    """Nothing was decided in its period; the key is published all the same."""
    WITHDRAWN = "withdrawn"
    """Before its period began, the plan was retired or got a version without this period: nothing is drawn."""


class DrawStratum(Wire):
    """One stratum of a draw."""

    stratum: Code
    vendor: Slug
    values: StratumValues
    decisions: NonNegativeInt
    """In the period, when it was drawn."""
    planned: NonNegativeInt
    """By the plan, its minimums and budget included; expected, until it is drawn."""
    drawn: NonNegativeInt


class Draw(Wire):
    """One period of a sampling plan. To a vendor its own strata alone are there."""

    programme: Slug
    id: UUID
    revision: int
    position: int
    plan_id: UUID
    plan_version: int
    title: Name
    state: DrawState
    first_day: date
    last_day: date
    dimensions: tuple[StratumDimension, ...]
    allocation: ToldAllocation
    commitment: str
    """SHA-256 of the key, in hexadecimal digits."""
    committed_at: Instant
    draw_after: Instant
    drawn_at: Instant | None
    key: str | None
    """In hexadecimal digits; `null` until it is drawn."""
    decisions: NonNegativeInt
    planned: NonNegativeInt
    drawn: NonNegativeInt
    due_at: Instant | None


class DrawPage(Wire):
    """A page of draws, newest period first; the next page is in the `Link` header."""

    items: tuple[Draw, ...]


class DrawStrata(Wire):
    """A page of a draw's strata; the next page is in the `Link` header."""

    items: tuple[DrawStratum, ...]


class ReceiptStratum(DrawStratum):
    """One stratum of a receipt, with the decisions that were drawn, by rank."""

    items: tuple[Reference, ...]
    voided: tuple[Reference, ...]
    """Of those, which could not be audited; the next in rank took their place."""


class ReceiptSource(Wire):
    """A source of decisions, as far as it was when the draw was made: lines after that are late, and not in the frame."""

    source: Code
    edition: Annotated[int, Field(ge=1)]
    lines: NonNegativeInt
    """Taken in by then, those that were rejected too."""
    decisions: NonNegativeInt
    """Of the vendor in the period."""


class Receipt(Wire):
    """All that it takes to repeat a draw for one vendor: `tallystick sample verify` does, with the vendor's own decisions."""

    version: Literal[1] = 1
    programme: Slug
    draw_id: UUID
    vendor: Slug
    title: Name
    first_day: date
    last_day: date
    time_zone: TimeZone
    scope: SamplingScope
    dimensions: tuple[StratumDimension, ...]
    allocation: ToldAllocation
    commitment: Hexadecimal
    committed_at: Instant
    key: Hexadecimal
    decisions: NonNegativeInt
    """All of the vendor's in the period, whatever the scope."""
    frame: Annotated[str, form(r"^[0-9a-f]{512}$", "512 digits 0 to 9 and a to f")]
    """The digest of these decisions, whatever their order, in hexadecimal digits."""
    sources: tuple[ReceiptSource, ...] = ()
    """Where the decisions came from. To a vendor, these are its own: they hold fewer where the client has sent some."""
    strata: tuple[ReceiptStratum, ...]


class ItemState(StrEnum):
    """Where an item of work stands."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    AUDITED = "audited"
    VOID = "void"
    """It cannot be audited; the next candidate of its stratum took its place where there was one."""


class HandBackReason(StrEnum):
    """Why somebody gives an item back."""

    CONFLICT = "conflict"
    SKILL = "skill"
    WELLBEING = "wellbeing"
    """Taken as it is: nothing more is asked, and nobody but the person sees it."""
    UNAVAILABLE = "unavailable"
    """The content is gone: nobody can audit it."""
    OTHER = "other"


class HandedBack(Wire):
    """That somebody gave an item back. What was given back for somebody's wellbeing is not told."""

    reason: HandBackReason
    comment: str | None
    by: str
    at: Instant


class SampleItem(Wire):
    """An item to audit. Nothing in it names the moderator, or how anybody else judged it.

    To those who audit, `draw_id`, `stratum` and `inclusion_probability` are `null`.
    """

    programme: Slug
    id: UUID
    revision: int
    draw_id: UUID | None
    state: ItemState
    stratum: Code | None
    vendor: Slug
    site: Code
    queue: Code
    market: Code
    language: Code
    policy: Code
    action: Code
    decided_at: Instant
    content_ref: Reference
    modality: Modality
    render_hints: tuple[RenderHint, ...]
    """How it should be shown. That makes work pleasanter; it is not known to reduce harm, and no dose is lowered for it."""
    inclusion_probability: Annotated[float, Field(gt=0, le=1)] | None
    priority: int
    due_at: Instant
    claimed_by: str | None
    claimed_at: Instant | None
    lease_until: Instant | None
    audited_by: str | None
    audited_at: Instant | None
    handed_back: tuple[HandedBack, ...]
    """For managers; empty for all others."""


class SampleItemPage(Wire):
    """A page of items; the next page is in the `Link` header."""

    items: tuple[SampleItem, ...]


class NewClaim(Wire):
    """What somebody asks for who asks for work."""

    lighter: bool = False
    """Whether it should be something light, without a reason."""


class NoItem(StrEnum):
    """Why nobody was handed anything."""

    NOTHING_WAITS = "nothing_waits"
    NOTHING_FITS = "nothing_fits"
    """Items wait, and none for this person's skills, or all of them in conflict."""
    DAY_IS_FULL = "day_is_full"
    WEEK_IS_FULL = "week_is_full"
    ON_A_BREAK = "on_a_break"
    BREAK_IS_DUE = "break_is_due"
    AWAY = "away"


class Claim(Wire):
    """The next item, or why there is none. Who has one in hand already is handed the same again."""

    item: SampleItem | None
    reason: NoItem | None
    message: str | None
    """A sentence for the person: why there is nothing, or why it is something lighter."""
    lighter: bool
    """Whether something heavier waited and was left out, to protect the person."""
    again_at: Instant | None
    """When asking again makes sense."""


class NewItemAudit(Wire):
    """The judgement on an item in hand."""

    judgement: Judgement
    handling_time_s: Annotated[int, Field(ge=0, le=86_400)] | None = None
    """Seconds of work; the time since it was claimed where it is left out."""


class HandBack(Wire):
    """Why an item is given back."""

    reason: HandBackReason
    comment: Text | None = None
