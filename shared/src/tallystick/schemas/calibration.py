"""Calibration: several raters judge the same items blind, then agree on a benchmark; what they concluded becomes precedent."""

from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from tallystick.schemas.audit import RenderHint
from tallystick.schemas.base import Code, Instant, Name, Reference, Slug, Text, Wire


class SessionState(StrEnum):
    """Where a session stands: it only ever goes on."""

    DRAFT = "draft"
    SCORING = "scoring"
    REVIEW = "review"
    CONCLUDED = "concluded"


class Level(StrEnum):
    """Whether the categories of a scale have an order."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"


class Scale(Wire):
    """What raters choose from, on every item of the session; ordinal categories from the least to the most."""

    level: Level = Level.NOMINAL
    categories: Annotated[tuple[Code, ...], Field(min_length=2, max_length=50)]

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
    """The number of the item that this one shows again, unknown to the raters, for repeatability."""


class NewItems(Wire):
    """Items to add to a draft, in their order."""

    items: Annotated[tuple[NewItem, ...], Field(min_length=1, max_length=10_000)]


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
    """`null` to raters before review: the audit would tell what was judged."""
    content_ref: Reference | None
    render_hints: tuple[RenderHint, ...]
    policy: Code | None
    error_code: Code | None
    """`null` to raters before review."""
    repeat_of: PositiveInt | None
    """`null` to raters before review."""
    own: Rating | None
    """The caller's own."""
    ratings: tuple[GivenRating, ...]
    benchmark: Benchmark | None
    golden: bool
    """Whether it is hidden in everyday work; `false` to all but quality managers."""


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
    benchmark: Code
    agreed: bool
    audited_at: Instant


class GoldenResultPage(Wire):
    """A page of results of golden items; the next page is in the `Link` header."""

    items: tuple[GoldenResult, ...]
