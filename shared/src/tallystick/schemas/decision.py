"""What moderators and machines decided: streamed in, counted for all, kept only where an audit may come of it."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, NonNegativeInt

from tallystick.schemas.audit import RenderHint, RowError
from tallystick.schemas.base import Code, Instant, Reference, Slug, Wire


class Modality(StrEnum):
    """What kind of content was decided on: it weighs in the harm that looking at it may do."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    LIVE = "live"


class Decision(Wire):
    """One decision, as a line of a batch. Tallystick never stores content: only an opaque reference, and hints on rendering."""

    decision_id: Reference
    """The vendor's own id of the decision; unique within the vendor."""
    vendor: Slug
    site: Code
    queue: Code
    market: Code
    language: Code
    moderator: Reference
    decided_at: Instant
    action: Code
    policy: Code
    content_ref: Reference
    automated_detection: bool = False
    automated_decision: bool = False
    risk: Code | None = None
    """The platform's own band of risk, such as `high`."""
    modality: Modality = Modality.TEXT
    render_hints: Annotated[tuple[RenderHint, ...], Field(max_length=3)] = ()


class DecisionCounts(Wire):
    """What became of the lines of a batch; `repeated`, `rejected` and `counted` sum to `rows`."""

    rows: NonNegativeInt
    repeated: NonNegativeInt
    """Lines that an earlier batch of the source had brought: not counted again."""
    rejected: NonNegativeInt
    counted: NonNegativeInt
    late: NonNegativeInt
    """Of those counted, how many were decided in a period that was drawn from before: no draw holds them."""
    candidates: NonNegativeInt | None
    """Of those counted, how many are kept for a draw that is to come.

    `null` for a vendor, who could otherwise try which of its own decisions a draw may take.
    """


class RejectedDecision(Wire):
    """A line that was not counted, and why. `row` counts the lines of the source from 1. Never a value."""

    row: int
    errors: tuple[RowError, ...]


class DecisionBatch(Wire):
    """A batch of decisions as it was taken in."""

    id: UUID
    programme: Slug
    vendor: Slug | None
    """The vendor whose system sent it; `null` for the client's own."""
    source: Code
    edition: Annotated[int, Field(ge=1)]
    """Which edition of the source: a corrected file is the next one, and takes the place of the one before."""
    first_row: NonNegativeInt
    """How many lines of the source come before this batch."""
    counts: DecisionCounts
    rejected: tuple[RejectedDecision, ...]
    """The first thousand of the lines that were rejected."""
    recorded_by: str
    recorded_at: Instant


class DecisionSource(Wire):
    """A file, or a partition of a stream, that decisions come from."""

    programme: Slug
    vendor: Slug | None
    source: Code
    edition: int
    next_row: NonNegativeInt
    """How many lines are taken in: where to go on."""
    decisions: NonNegativeInt
    """How many of them count."""
    changed_at: Instant


class DecisionSourcePage(Wire):
    """A page of sources; the next page is in the `Link` header."""

    items: tuple[DecisionSource, ...]
