"""Objectives: what a person, site or vendor is to reach in a period. How they stand is read from the metrics, never typed in."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from tallystick.schemas.base import Instant, Name, Reference, Slug, Wire
from tallystick.schemas.metric import MetricFilter, Number, Period


class ObjectiveOf(StrEnum):
    """Whose objective it is."""

    MODERATOR = "moderator"
    AUDITOR = "auditor"
    SITE = "site"
    VENDOR = "vendor"


class ObjectiveStanding(StrEnum):
    """How an objective stands, by the interval of its measure."""

    MET = "met"
    """All of the interval is as good as the target."""
    MISSED = "missed"
    """All of the interval is worse."""
    UNDECIDED = "undecided"
    """The interval holds the target, or there is none."""
    NO_DATA = "no_data"


class NewObjective(Wire):
    """An objective to set."""

    title: Name
    of: ObjectiveOf
    name: Reference
    """The person's pseudonym, the site or the vendor."""
    vendor: Slug | None = None
    """Whose people may see it besides the client's: it is judged by the audits of this vendor alone. Never an auditor's."""
    measure: Literal["accuracy", "critical_accuracy", "quality_score", "error_rate"] = "accuracy"
    scope: MetricFilter = MetricFilter()
    """In which part of the programme, besides whose it is."""
    target: Annotated[float, Field(ge=0, le=1)]
    """To be reached from below or from above, whichever is better for the measure."""
    period: Period
    case_id: UUID | None = None


class Objective(NewObjective):
    """An objective as it stands."""

    programme: Slug
    id: UUID
    revision: int
    position: int
    set_by: str
    set_at: Instant
    ended_by: str | None
    ended_at: Instant | None
    """When it was taken back; `null` as long as it holds."""


class ObjectiveRead(Wire):
    """An objective, and how it stands by the metrics of now."""

    objective: Objective
    number: Number
    standing: ObjectiveStanding
    stands_on: int | None
    """The feed position of the numbers; `null` to vendors."""


class ObjectivePage(Wire):
    """A page of objectives, the newest first; the next page is in the `Link` header."""

    items: tuple[Objective, ...]
