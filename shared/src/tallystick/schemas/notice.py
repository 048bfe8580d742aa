"""Notices: what people are told about cases and actions, each once."""

from enum import StrEnum
from uuid import UUID

from tallystick.schemas.action import Station
from tallystick.schemas.base import Instant, Reference, Slug, Wire


class NoticeKind(StrEnum):
    """What a notice tells of. Webhooks carry the same under these names."""

    CASE_OPENED = "case.opened"
    CASE_REOPENED = "case.reopened"
    CASE_CLOSED = "case.closed"
    MENTIONED = "case.mentioned"
    ACTION_ASSIGNED = "action.assigned"
    ACTION_DUE_SOON = "action.due_soon"
    ACTION_OVERDUE = "action.overdue"
    ACTION_ESCALATED = "action.escalated"
    ACTION_DONE = "action.done"
    """To be verified by somebody else."""
    ACTION_REJECTED = "action.rejected"
    """It was not found done, and is its owner's again."""
    PLAN_JUDGED = "plan.judged"
    COACHING_ARRANGED = "coaching.arranged"


class Notice(Wire):
    """Something that somebody was told."""

    programme: Slug
    id: UUID
    position: int
    revision: int
    vendor: Slug | None
    """Whose people may read it besides the client's; `null` for nobody's."""
    kind: NoticeKind
    station: Station | None
    """Of a reminder or an escalation."""
    recipient: Reference | None
    """The `sub` of who is told; `null` where the programme names nobody for it: then everybody who may read it is."""
    case_id: UUID | None
    subject_id: UUID
    """What it is about: the case, the action, the plan's case, the message or the coaching session."""
    text: str
    created_at: Instant


class NoticePage(Wire):
    """A page of notices, the newest first; the next page is in the `Link` header."""

    items: tuple[Notice, ...]
