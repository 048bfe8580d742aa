"""Calibration: several raters judge the same items blind, then agree on a benchmark; what they concluded becomes precedent.

What can be done with a session in which state, and by whom, is in `TRANSITIONS`, once, for the service, its documents and its
tests.
"""

from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Self
from uuid import UUID

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from tallystick.schemas.audit import RenderHint, RowError
from tallystick.schemas.base import Code, Instant, Name, Reference, Slug, Text, Wire
from tallystick.schemas.principal import MANAGERS, Role


class SessionState(StrEnum):
    """Where a session stands: it only ever goes on."""

    DRAFT = "draft"
    SCORING = "scoring"
    REVIEW = "review"
    CONCLUDED = "concluded"


REVEALED = frozenset({SessionState.REVIEW, SessionState.CONCLUDED})
"""The states in which ratings are laid open."""


class SessionAction(StrEnum):
    """What is done with a session and its items."""

    DRAFT = "draft"
    EDIT = "edit"
    ADD_ITEMS = "add_items"
    OPEN = "open"
    RATE = "rate"
    WITHDRAW = "withdraw"
    REVIEW = "review"
    BENCHMARK = "benchmark"
    CONCLUDE = "conclude"
    HIDE = "hide"
    UNHIDE = "unhide"


class Transition(NamedTuple):
    """In which state an action is possible, where it leads, and who may take it."""

    action: SessionAction
    source: SessionState | None
    target: SessionState
    by: frozenset[Role]
    rater: bool
    """Whether it takes being named as a rater of the session, besides the role."""


RATERS = frozenset({Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.VENDOR_POC})
"""Who may be a rater."""

TRANSITIONS: tuple[Transition, ...] = (
    Transition(SessionAction.DRAFT, None, SessionState.DRAFT, MANAGERS, rater=False),
    Transition(SessionAction.EDIT, SessionState.DRAFT, SessionState.DRAFT, MANAGERS, rater=False),
    Transition(SessionAction.ADD_ITEMS, SessionState.DRAFT, SessionState.DRAFT, MANAGERS, rater=False),
    Transition(SessionAction.OPEN, SessionState.DRAFT, SessionState.SCORING, MANAGERS, rater=False),
    Transition(SessionAction.RATE, SessionState.SCORING, SessionState.SCORING, RATERS, rater=True),
    Transition(SessionAction.WITHDRAW, SessionState.SCORING, SessionState.SCORING, RATERS, rater=True),
    Transition(SessionAction.REVIEW, SessionState.SCORING, SessionState.REVIEW, MANAGERS, rater=False),
    Transition(SessionAction.BENCHMARK, SessionState.REVIEW, SessionState.REVIEW, MANAGERS, rater=False),
    Transition(SessionAction.CONCLUDE, SessionState.REVIEW, SessionState.CONCLUDED, MANAGERS, rater=False),
    Transition(SessionAction.HIDE, SessionState.CONCLUDED, SessionState.CONCLUDED, MANAGERS, rater=False),
    Transition(SessionAction.UNHIDE, SessionState.CONCLUDED, SessionState.CONCLUDED, MANAGERS, rater=False),
)
"""All there are. Ratings and withdrawals are taken until the deadline besides."""


class Level(StrEnum):
    """Whether the categories of a scale have an order."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"


class Scale(Wire):
    """What raters choose from, on every item of the session; ordinal categories from the least to the most."""

    level: Level = Level.NOMINAL
    categories: Annotated[tuple[Code, ...], Field(min_length=2, max_length=50)]
    about: Literal["action", "policy", "error_code", "severity", "verdict"] | None = None
    """Which judgement of an audit the categories are values of. Items of other sessions cannot be hidden in everyday work."""

    @model_validator(mode="after")
    def _categories_are_unique(self) -> Self:
        if len(set(self.categories)) < len(self.categories):
            raise ValueError("a category is named twice")
        return self


class Rater(Wire):
    """Somebody who judges the items. `subject` is the `sub` of their token."""

    subject: Reference
    vendor: Slug | None = None
    """The vendor that the rater belongs to; `null` for the client's people."""


class NewSession(Wire):
    """A session to draft, and what may be changed of it while it is a draft."""

    title: Name
    question: Text
    """What raters are asked, such as: which action does the policy ask for?"""
    scale: Scale
    raters: Annotated[tuple[Rater, ...], Field(max_length=200)] = ()
    deadline: Instant
    """Ratings are taken until then."""
    target: Annotated[float, Field(ge=0, le=1)] | None = None
    """The alignment with the benchmark that every rater should reach; the programme's target of agreement where it is not set."""

    @model_validator(mode="after")
    def _raters_are_unique(self) -> Self:
        if len({rater.subject for rater in self.raters}) < len(self.raters):
            raise ValueError("a rater is named twice")
        return self


class CalibrationSession(NewSession):
    """A session as it stands. To a vendor, other vendors' raters are not there."""

    programme: Slug
    id: UUID
    revision: int
    position: int
    state: SessionState
    facilitator: str
    """Who drafted it."""
    created_at: Instant
    opened_at: Instant | None
    reviewed_at: Instant | None
    """When scoring ended and the ratings were laid open."""
    concluded_at: Instant | None
    conclusion: Text | None
    items: NonNegativeInt
    """How many there are."""


class SessionPage(Wire):
    """A page of sessions, the newest first; the next page is in the `Link` header."""

    items: tuple[CalibrationSession, ...]


class NewItem(Wire):
    """An item to judge: of an audit, or by reference. Tallystick holds no content."""

    audit_id: UUID | None = None
    """Reference, hints, policy and error code are taken from this audit."""
    content_ref: Reference | None = None
    render_hints: Annotated[tuple[RenderHint, ...], Field(max_length=3)] = ()
    policy: Code | None = None
    """The policy clause that the item is about."""
    error_code: Code | None = None
    repeat_of: PositiveInt | None = None
    """The number of the item that this one shows again, unknown to the raters. What else is left out is taken from that one."""

    @model_validator(mode="after")
    def _shows_one_thing(self) -> Self:
        if self.audit_id is not None and (self.content_ref is not None or self.repeat_of is not None):
            raise ValueError("an item of an audit has neither a reference of its own nor shows another item again")
        if self.audit_id is None and self.content_ref is None and self.repeat_of is None:
            raise ValueError("an item is of an audit, by reference, or shows another again")
        return self


class NewItems(Wire):
    """Items to add to a draft, in their order."""

    items: Annotated[tuple[NewItem, ...], Field(min_length=1, max_length=10_000)]


class AddedItems(Wire):
    """The numbers that items were added under."""

    session_id: UUID
    first: PositiveInt
    last: PositiveInt


class Rating(Wire):
    """What a rater chose."""

    value: Code
    """One of the scale's categories."""
    policy: Code | None = None
    """The clause that it rests on."""
    comment: Text | None = None


class GivenRating(Rating):
    """A rating, whose it is, and when it was given."""

    rater: Reference
    vendor: Slug | None
    rated_at: Instant


class PastRating(GivenRating):
    """A rating that no longer stands."""

    ended_at: Instant
    withdrawn: bool
    """Whether its rater took it back; another took its place otherwise."""


class PastRatings(Wire):
    """The ratings of an item that no longer stand, oldest first."""

    items: tuple[PastRating, ...]


class NumberedRating(Rating):
    """One row of ratings that are given in bulk."""

    number: PositiveInt
    """Of the item."""


class RatingVerdict(StrEnum):
    """What became of one rating of a batch."""

    COUNTED = "counted"
    UNCHANGED = "unchanged"
    REPLACED = "replaced"
    REJECTED = "rejected"


class RatingResult(Wire):
    """The verdict on one row. `row` counts the rows of the request from 1, `number` is the item's."""

    row: PositiveInt
    number: PositiveInt | None
    verdict: RatingVerdict
    errors: tuple[RowError, ...] = ()


class RatingCounts(Wire):
    """How many rows got each verdict; they sum to `rows`."""

    rows: NonNegativeInt
    counted: NonNegativeInt
    unchanged: NonNegativeInt
    replaced: NonNegativeInt
    rejected: NonNegativeInt


class RatingBatchResult(Wire):
    """The answer to ratings that were given in bulk."""

    counts: RatingCounts
    results: tuple[RatingResult, ...]


class Benchmark(Wire):
    """What the right answer is, who says so, and what was said about it."""

    value: Code
    by: Literal["facilitator", "consensus"]
    discussion: Text | None = None


class CalibrationItem(Wire):
    """An item as the caller may see it.

    Before review there is the caller's own rating and nobody else's. From then on there are the ratings of all, but a vendor sees
    those of its own and the client's people alone.
    """

    programme: Slug
    id: UUID
    session_id: UUID
    number: PositiveInt
    revision: int
    position: int
    audit_id: UUID | None
    """`null` to raters before review: the audit would tell what was judged. `null` to other vendors than the audit's."""
    content_ref: Reference | None
    """`null` once the audit is erased."""
    render_hints: tuple[RenderHint, ...]
    policy: Code | None
    """`null` to raters before review, where it was taken from an audit."""
    error_code: Code | None
    """`null` to raters before review, and to other vendors than the audit's."""
    repeat_of: PositiveInt | None
    """`null` to raters before review."""
    own: Rating | None
    """The caller's own."""
    ratings: tuple[GivenRating, ...]
    benchmark: Benchmark | None
    golden: bool
    """Whether it is hidden in everyday work; `false` to all but quality managers, and always on the feed."""


class ItemPage(Wire):
    """A page of items in their order; the next page is in the `Link` header."""

    items: tuple[CalibrationItem, ...]


class RaterProgress(Wire):
    """How far a rater has come: counts alone, before review."""

    rater: Reference
    vendor: Slug | None
    rated: NonNegativeInt
    items: NonNegativeInt


class Progress(Wire):
    """How far a session has come."""

    session_id: UUID
    state: SessionState
    deadline: Instant
    raters: tuple[RaterProgress, ...]


class Conclusion(Wire):
    """What a session came to, in words."""

    conclusion: Text


class Precedent(Wire):
    """An item of a concluded session, found again."""

    session_id: UUID
    title: Name
    number: PositiveInt
    item_id: UUID
    content_ref: Reference | None
    policy: Code | None
    error_code: Code | None
    benchmark: Benchmark
    conclusion: Text
    concluded_at: Instant


class PrecedentPage(Wire):
    """A page of precedents, the newest first; the next page is in the `Link` header."""

    items: tuple[Precedent, ...]


class GoldenResult(Wire):
    """What an auditor said of a golden item in everyday work, beside its benchmark."""

    programme: Slug
    id: UUID
    position: int
    item_id: UUID
    audit_id: UUID
    vendor: Slug
    auditor: Reference | None
    value: Code
    """What the audit says of what the session's scale is about; `none` where it says nothing, such as no error code."""
    benchmark: Code
    agreed: bool
    audited_at: Instant


class GoldenResultPage(Wire):
    """A page of results of golden items; the next page is in the `Link` header."""

    items: tuple[GoldenResult, ...]
