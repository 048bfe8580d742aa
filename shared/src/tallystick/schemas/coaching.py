"""Coaching: sessions and trainings about the errors of a person, on record with the person's agreement."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tallystick.schemas.base import Instant, Name, Reference, Slug, Text, Wire


class CoachingKind(StrEnum):
    """One person's session, or a training."""

    SESSION = "session"
    TRAINING = "training"


class CoachingState(StrEnum):
    """Where a session stands. The person's own word ends it: agreed, or not."""

    ARRANGED = "arranged"
    HELD = "held"
    AGREED = "agreed"
    DISPUTED = "disputed"
    CANCELLED = "cancelled"


class NewCoaching(Wire):
    """A session to arrange with a person about errors of theirs."""

    kind: CoachingKind = CoachingKind.SESSION
    title: Name
    person: Reference
    """The pseudonym under which audits name the person: a moderator or an auditor."""
    subject: Reference | None = None
    """The `sub` under which the person signs in; their answer is theirs alone then. The client's own people sign in."""
    vendor: Slug | None = None
    """The person's vendor; `null` for the client's own auditors."""
    coach: Reference | None = None
    """The `sub` of who holds it; unless given, whoever arranges it."""
    case_id: UUID | None = None
    audits: Annotated[tuple[UUID, ...], Field(max_length=50)] = ()
    """The audits whose errors it is about."""
    planned_for: Instant


class CoachingNotes(Wire):
    """What was said and arranged."""

    notes: Text
    commitments: Annotated[tuple[Name, ...], Field(max_length=20)] = ()


class Coaching(Wire):
    """A session as it stands."""

    programme: Slug
    id: UUID
    revision: int
    position: int
    kind: CoachingKind
    title: Name
    person: Reference
    subject: Reference | None
    vendor: Slug | None
    coach: Reference
    case_id: UUID | None
    audits: tuple[UUID, ...]
    planned_for: Instant
    state: CoachingState
    notes: Text | None
    commitments: tuple[Name, ...]
    arranged_by: str
    arranged_at: Instant
    held_at: Instant | None
    answered_by: str | None
    answered_at: Instant | None
    answer: Text | None
    """What the person said to it."""
    reason: Text | None
    """Why it was cancelled."""


class CoachingPage(Wire):
    """A page of sessions, the newest first; the next page is in the `Link` header."""

    items: tuple[Coaching, ...]


class CoachingAnswer(Wire):
    """The coached person's own word."""

    agreed: bool
    text: Text | None = None


class CoachingCancellation(Wire):
    """Why a session does not take place."""

    reason: Text
